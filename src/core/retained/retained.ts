import type { Pattern } from '../facade/index.ts'
import type { Levels } from '../names.ts'

/** Where the last value of an address is kept. */
export interface LastValue {
  levels: Levels
  partition: number
  offset: number
  /** ms since 1970; null: never. */
  expiresAt: number | null
}

/** The last value of each address of one space: found by address, or by pattern. */
export interface LastValues {
  readonly size: number
  get(levels: Levels): LastValue | undefined
  /** Replaces what was there, unless that has a higher offset (replay). */
  set(value: LastValue): void
  delete(levels: Levels): boolean
  match(pattern: Pattern): LastValue[]
  /** Is any value kept in [first, last] of the partition? May say yes when unsure. */
  needed(partition: number, first: number, last: number): boolean
}
