import type { Address, Id } from '../facade/index.ts'
import type { Match, Publication } from './match.ts'
import type { Walk } from './walk.ts'

/** Levels and targets that are remembered, of all addresses together: each takes about 250 bytes, long levels more. */
const weightMax = 262_144
const bytesOfWeight = 250
/** Of one address: with and without at-most-once, and one for each log that is bound there. */
const variantsMax = 8

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

  /** Returns what it weighs. */
  keep(publication: Publication, except: Id, match: Match, notFrom: ReadonlySet<Id>): number {
    if (notFrom.has(publication.publisher) || this.kept.length === variantsMax) return 0
    if (notFrom.size > 0) this.notFrom = notFrom
    this.kept.push({ atMostOnce: publication.atMostOnce, except, match })
    return match.targets.length
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
  private weight = 0

  clear(): void {
    if (this.weight === 0) return
    this.spaces = new Map()
    this.weight = 0
  }

  entry({ space, levels }: Address): CacheEntry {
    if (this.weight > weightMax) this.clear()
    let node = this.spaces.get(space)
    if (node === undefined) this.spaces.set(space, (node = { levels: null, entry: null }))
    for (const level of levels) {
      node = below(node, level)
    }
    if (node.entry === null) {
      node.entry = new CacheEntry()
      this.weight += 1 + levels.length
      for (const level of levels) this.weight += Math.floor(level.length / bytesOfWeight)
    }
    return node.entry
  }

  add(weight: number): void {
    this.weight += weight
  }
}
