import type { Pattern, PatternLevel } from '../facade/index.ts'
import type { Levels } from '../names.ts'
import { Buckets } from './buckets.ts'
import type { LastValue } from './last-value.ts'
import { OffsetCounts } from './offset-counts.ts'

interface Node {
  below: Map<string, Node> | null
  value: LastValue | null
}

/** The last value of each address of one space: found by address, or by pattern. It points to records, it holds none. */
export class LastValues {
  /** As a checkpoint has them. */
  readonly buckets: Buckets
  private readonly root: Node = { below: null, value: null }
  private readonly kept = new Map<number, OffsetCounts>()
  /** Those that expire, and a time before which none does. */
  private readonly mortal = new Set<LastValue>()
  private nextExpiry = Infinity
  size = 0

  constructor(buckets = new Buckets()) {
    this.buckets = buckets
  }

  get(levels: Levels): LastValue | undefined {
    let node: Node | undefined = this.root
    for (const level of levels) if ((node = node.below?.get(level)) === undefined) return undefined
    return node.value ?? undefined
  }

  /** Replaces what was there, unless that has a higher offset of the same partition (replay). */
  set(value: LastValue): void {
    let node = this.root
    for (const level of value.levels) node = below(node, level)
    const before = node.value
    if (before !== null && before.partition === value.partition && before.offset > value.offset) return
    if (before === null) this.size++
    else this.forget(before)
    node.value = value
    if (value.expiresAt !== null) {
      this.mortal.add(value)
      this.nextExpiry = Math.min(this.nextExpiry, value.expiresAt)
    }
    this.keptIn(value.partition).add(value.offset)
    this.buckets.add(value)
  }

  delete(levels: Levels): boolean {
    const path = [this.root]
    for (const level of levels) {
      const next = path.at(-1)!.below?.get(level)
      if (next === undefined) return false
      path.push(next)
    }
    const node = path.at(-1)!
    if (node.value === null) return false
    this.forget(node.value)
    node.value = null
    this.size--
    for (let i = levels.length; i > 0 && path[i]!.value === null && path[i]!.below === null; i--) {
      const parent = path[i - 1]!
      parent.below!.delete(levels[i - 1]!)
      if (parent.below!.size === 0) parent.below = null
    }
    return true
  }

  private forget(value: LastValue): void {
    this.kept.get(value.partition)!.remove(value.offset)
    this.mortal.delete(value)
    this.buckets.remove(value)
  }

  /** Removes those whose time is over; false: none. */
  expire(now: number): boolean {
    if (now < this.nextExpiry) return false
    const before = this.size
    this.nextExpiry = Infinity
    for (const { levels, expiresAt } of this.mortal) {
      if (expiresAt! <= now) this.delete(levels)
      else this.nextExpiry = Math.min(this.nextExpiry, expiresAt!)
    }
    return this.size < before
  }

  /**
   * In no order, found as they are asked for: it takes no memory but a path. Of what is set or goes meanwhile some may be
   * among them. Null now and then, also where there is little to find: a place to pause.
   */
  match(pattern: Pattern): Generator<LastValue | null, undefined> {
    const dollarHidden = pattern.dollarHidden === true && typeof pattern.levels[0] === 'object'
    return collect(this.root, start(pattern.levels), { pattern: pattern.levels, visited: 0 }, dollarHidden)
  }

  /** Is any value kept in [first, last] of the partition? May say yes when unsure. */
  needed(partition: number, first: number, last: number): boolean {
    return this.kept.get(partition)?.any(first, last) ?? false
  }

  /** No value of the partition is kept below this offset; Infinity when there is none. May be a little low. */
  lowest(partition: number): number {
    return this.kept.get(partition)?.lowest() ?? Infinity
  }

  private keptIn(partition: number): OffsetCounts {
    let counts = this.kept.get(partition)
    if (counts === undefined) this.kept.set(partition, (counts = new OffsetCounts()))
    return counts
  }
}

function below(node: Node, level: string): Node {
  node.below ??= new Map()
  let next = node.below.get(level)
  if (next === undefined) node.below.set(level, (next = { below: null, value: null }))
  return next
}

/**
 * Positions in the pattern that may come next, rising, no position twice: so a value is met once, and a branch costs at
 * most the length of the pattern.
 */
type Positions = readonly number[]

function start(pattern: readonly PatternLevel[]): Positions {
  const into: number[] = []
  reach(pattern, 0, into)
  return into
}

/** Adds `position`, and what can be reached from there without taking a level. */
function reach(pattern: readonly PatternLevel[], position: number, into: number[]): void {
  for (let p = position; !into.includes(p); p++) {
    into.push(p)
    const level = pattern[p]
    if (typeof level !== 'object' || level.any !== 'rest') return
  }
}

function step(pattern: readonly PatternLevel[], from: Positions, level: string): Positions {
  const into: number[] = []
  for (const position of from) {
    const wanted = pattern[position]
    if (wanted === undefined) continue
    if (typeof wanted === 'string') {
      if (wanted === level) reach(pattern, position + 1, into)
    } else if (wanted.any === 'one') {
      reach(pattern, position + 1, into)
    } else {
      if (!into.includes(position)) into.push(position)
      reach(pattern, position + 1, into)
    }
  }
  return into
}

/** So many nodes are visited before a walk pauses: a fraction of a millisecond. */
const strideNodes = 1000

interface Walk {
  readonly pattern: readonly PatternLevel[]
  visited: number
}

function* collect(
  node: Node,
  positions: Positions,
  walk: Walk,
  dollarHidden: boolean,
): Generator<LastValue | null, undefined> {
  const { pattern } = walk
  if (++walk.visited % strideNodes === 0) yield null
  if (node.value !== null && positions.includes(pattern.length)) yield node.value
  // At the end of the pattern what is below can be very much, and is not meant.
  if (node.below === null || positions.every((position) => position === pattern.length)) return
  const only = positions.length === 1 ? pattern[positions[0]!] : undefined
  if (typeof only === 'string') {
    const next = node.below.get(only)
    if (next !== undefined) yield* collect(next, step(pattern, positions, only), walk, false)
    return
  }
  for (const [level, next] of node.below) {
    if (dollarHidden && level.charCodeAt(0) === 0x24) continue
    const after = step(pattern, positions, level)
    if (after.length > 0) yield* collect(next, after, walk, false)
  }
}
