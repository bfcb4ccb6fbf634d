import type { Id } from '../facade/index.ts'
import { held, type HeldTable } from './held-table.ts'

/** Consumers that hold nothing now and are still in the table of who holds what. */
const zerosKept = 16
const staleMin = 256

class Holder {
  leased = 0
  /** Pairs (first, count) that it was given, `used` numbers of them, of `listed` offsets: those it still has, and others. */
  runs: number[] = []
  used = 0
  listed = 0

  push(first: number, count: number): void {
    const { runs, used } = this
    this.listed += count
    if (used > 0 && runs[used - 2]! + runs[used - 1]! === first) {
      runs[used - 1]! += count
      return
    }
    runs[this.used++] = first
    runs[this.used++] = count
  }
}

/**
 * Who holds what, so that a consumer that goes costs what it holds and not what all hold. What is settled stays in the
 * lists until that is most of them: then they are looked through. The table has the last word.
 */
export class Holders {
  private readonly table: HeldTable
  private readonly byConsumer = new Map<Id, Holder>()

  constructor(table: HeldTable) {
    this.table = table
  }

  /** How many are leased to it. */
  leased(consumer: Id): number {
    return this.byConsumer.get(consumer)?.leased ?? 0
  }

  /** A run is leased to it, and stands in the table. */
  add(consumer: Id, first: number, count: number): void {
    let holder = this.byConsumer.get(consumer)
    if (holder === undefined) this.byConsumer.set(consumer, (holder = new Holder()))
    holder.leased += count
    holder.push(first, count)
    if (holder.listed > 2 * holder.leased + staleMin) this.tidy(holder, consumer)
  }

  /** One of its leases is over. */
  remove(consumer: Id): void {
    const holder = this.byConsumer.get(consumer)!
    if (--holder.leased > 0) return
    // Taking out and putting in again for every record would cost more than a few zeros.
    if (this.byConsumer.size > zerosKept) this.byConsumer.delete(consumer)
    else holder.used = holder.listed = 0
  }

  /** What is leased to it, rising. */
  offsets(consumer: Id): number[] {
    const holder = this.byConsumer.get(consumer)
    return holder === undefined ? [] : this.offsetsOf(holder, consumer)
  }

  clear(): void {
    this.byConsumer.clear()
  }

  private tidy(holder: Holder, consumer: Id): void {
    const offsets = this.offsetsOf(holder, consumer)
    holder.runs = []
    holder.used = holder.listed = 0
    for (const offset of offsets) holder.push(offset, 1)
  }

  private offsetsOf({ runs, used }: Holder, consumer: Id): number[] {
    const { table } = this
    const found: number[] = []
    for (let r = 0; r < used; r += 2) {
      const end = runs[r]! + runs[r + 1]!
      for (let offset = runs[r]!; offset < end; offset++) {
        const slot = table.find(offset)
        if (slot >= 0 && table.states[slot] === held.leased && table.consumers[slot] === consumer) found.push(offset)
      }
    }
    found.sort((a, b) => a - b)
    // What it gave back and was given again stands there twice.
    return found.filter((offset, i) => offset !== found[i - 1])
  }
}
