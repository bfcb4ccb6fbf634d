import type { Leased } from './leased.ts'

/**
 * How many records one consumer gets before it is the next one's turn: one by one while there are few, so that they
 * share evenly; in runs when there are many, so that each gets whole pieces of a batch.
 */
export function rivalsQuantum(leased: Leased): number {
  const rivals = leased.consumers.rivals()
  if (rivals <= 1) return Infinity
  const { ready } = leased
  return ready <= rivals * 32 ? 1 : Math.min(256, Math.floor(ready / rivals / 8))
}
