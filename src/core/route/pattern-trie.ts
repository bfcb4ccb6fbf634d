import type { Pattern, PatternLevel } from '../facade/index.ts'
import type { Levels } from '../names.ts'

interface Held<T> {
  value: T
  /** Begins with a wildcard that does not match a leading `$`. */
  dollarHidden: boolean
}

interface Node<T> {
  literals: Map<string, Node<T>> | null
  one: Node<T> | null
  /** Both loop: once in, they take any number of levels more. `rest` is entered with none, `rest1` with one. */
  rest: Node<T> | null
  rest1: Node<T> | null
  loops: boolean
  held: Held<T>[]
  /** Of the lookup that has met this node in its present step. */
  stamp: number
}

const newNode = <T>(loops: boolean): Node<T> => ({
  literals: null,
  one: null,
  rest: null,
  rest1: null,
  loops,
  held: [],
  stamp: 0,
})

/**
 * Values under patterns, found by levels. A lookup walks all branches at once, level by level, and meets each node at
 * most once a level: so a pattern with many `rest`s costs no more than its length, whatever the levels are.
 */
export class PatternTrie<T> {
  private root = newNode<T>(false)
  private stamp = 0
  private nodes: Node<T>[] = []
  private nextNodes: Node<T>[] = []
  size = 0

  add(pattern: Pattern, value: T): void {
    let node = this.root
    for (const level of normal(pattern.levels)) node = child(node, level) ?? grow(node, level)
    node.held.push({ value, dollarHidden: pattern.dollarHidden === true && typeof pattern.levels[0] === 'object' })
    this.size++
  }

  /** False: it was not there. */
  remove(pattern: Pattern, value: T): boolean {
    const path = [this.root]
    const levels = normal(pattern.levels)
    for (const level of levels) {
      const next = child(path.at(-1)!, level)
      if (next === null) return false
      path.push(next)
    }
    const { held } = path.at(-1)!
    const at = held.findIndex((h) => h.value === value)
    if (at < 0) return false
    held.splice(at, 1)
    this.size--
    for (let i = levels.length; i > 0 && isEmpty(path[i]!); i--) cut(path[i - 1]!, levels[i - 1]!)
    return true
  }

  /** Appends to `found` each value whose pattern matches; not one twice. */
  find(levels: Levels, found: T[]): void {
    this.nodes.length = 0
    this.stamp++
    this.enter(this.root, this.nodes)
    for (const level of levels) {
      this.nextNodes.length = 0
      this.stamp++
      for (const node of this.nodes) this.step(node, level)
      const done = this.nodes
      this.nodes = this.nextNodes
      this.nextNodes = done
      if (this.nodes.length === 0) return
    }
    const dollar = levels.length > 0 && levels[0]!.charCodeAt(0) === 0x24
    for (const node of this.nodes) {
      for (const held of node.held) if (!dollar || !held.dollarHidden) found.push(held.value)
    }
  }

  private step(node: Node<T>, level: string): void {
    if (node.loops) this.enter(node, this.nextNodes)
    const literal = node.literals?.get(level)
    if (literal !== undefined) this.enter(literal, this.nextNodes)
    if (node.one !== null) this.enter(node.one, this.nextNodes)
    if (node.rest1 !== null) this.enter(node.rest1, this.nextNodes)
  }

  private enter(node: Node<T>, into: Node<T>[]): void {
    if (node.stamp === this.stamp) return
    node.stamp = this.stamp
    into.push(node)
    if (node.rest !== null) this.enter(node.rest, into)
  }
}

/** `rest rest` is `rest`: equal patterns become one path, and no chain of empty wildcards is left to follow. */
function normal(levels: readonly PatternLevel[]): PatternLevel[] {
  const out: PatternLevel[] = []
  for (const level of levels) {
    const before = out.at(-1)
    const repeated =
      typeof level === 'object' && level.any === 'rest' && typeof before === 'object' && before.any !== 'one'
    if (!repeated) out.push(level)
  }
  return out
}

function child<T>(node: Node<T>, level: PatternLevel): Node<T> | null {
  return typeof level === 'string' ? (node.literals?.get(level) ?? null) : node[level.any]
}

function grow<T>(node: Node<T>, level: PatternLevel): Node<T> {
  const added = newNode<T>(typeof level === 'object' && level.any !== 'one')
  if (typeof level === 'string') (node.literals ??= new Map()).set(level, added)
  else node[level.any] = added
  return added
}

function cut<T>(node: Node<T>, level: PatternLevel): void {
  if (typeof level === 'object') {
    node[level.any] = null
    return
  }
  node.literals!.delete(level)
  if (node.literals!.size === 0) node.literals = null
}

function isEmpty<T>(node: Node<T>): boolean {
  return (
    node.held.length === 0 && node.literals === null && node.one === null && node.rest === null && node.rest1 === null
  )
}
