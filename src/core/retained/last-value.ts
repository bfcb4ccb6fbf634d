import type { Levels } from '../names.ts'

/** Where the last value of an address is kept. */
export interface LastValue {
  levels: Levels
  partition: number
  offset: number
  /** ms since 1970; null: never. */
  expiresAt: number | null
}
