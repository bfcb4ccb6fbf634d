import type { Address, Id } from '../facade/index.ts'
import type { Match, Publication } from './match.ts'
import type { Walk } from './walk.ts'

const entriesMax = 32_768

interface Kept {
  atMostOnce: boolean
  except: Id
  match: Match
}

/** What is known of one address. */
export class CacheEntry {
  walk: Walk | null = null
  private readonly kept: Kept[] = []
  /** Sessions that have something there with `noLocal`: for them the kept matches are not right. */
  private notFrom: ReadonlySet<Id> | null = null

  find(publication: Publication, except: Id): Match | null {
    if (this.notFrom !== null && this.notFrom.has(publication.publisher)) return null
    for (const kept of this.kept) {
      if (kept.atMostOnce === publication.atMostOnce && kept.except === except) return kept.match
    }
    return null
  }

  keep(publication: Publication, except: Id, match: Match, notFrom: ReadonlySet<Id>): void {
    if (notFrom.has(publication.publisher)) return
    if (notFrom.size > 0) this.notFrom = notFrom
    this.kept.push({ atMostOnce: publication.atMostOnce, except, match })
  }
}

interface Node {
  levels: Map<string, Node> | null
  entry: CacheEntry | null
}

function below(node: Node, level: string): Node {
  node.levels ??= new Map()
  let next = node.levels.get(level)
  if (next === undefined) node.levels.set(level, (next = { levels: null, entry: null }))
  return next
}

/** Entries by address, found level by level: so a hit makes no key and nothing else. When it is full it starts anew. */
export class MatchCache {
  private spaces = new Map<Id, Node>()
  private size = 0

  clear(): void {
    if (this.size === 0) return
    this.spaces = new Map()
    this.size = 0
  }

  entry({ space, levels }: Address): CacheEntry {
    let node = this.spaces.get(space)
    if (node === undefined) this.spaces.set(space, (node = { levels: null, entry: null }))
    for (const level of levels) {
      node = below(node, level)
    }
    return (node.entry ??= this.newEntry())
  }

  private newEntry(): CacheEntry {
    if (this.size >= entriesMax) this.clear()
    this.size++
    return new CacheEntry()
  }
}
