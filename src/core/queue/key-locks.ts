import type { Id } from '../facade/index.ts'

interface Lock {
  key: string
  consumer: Id
  /** Of this key: leased, and released but waiting for their time. */
  leased: number
  delayed: number
  /** The highest offset that was leased under this lock. */
  highest: number
  /** Blocked ones. */
  waiting: Set<number>
}

/**
 * Keys in flight, for `order: key`: a key belongs to one consumer until nothing of it is leased, or released and
 * waiting for its time; and what was released comes again before what stands behind it.
 */
export class KeyLocks {
  private readonly locks = new Map<string, Lock>()
  /** Of what is leased or delayed, and of what is blocked. */
  private readonly byOffset = new Map<number, Lock>()
  private readonly waitingFor = new Map<number, Lock>()

  /** Offsets that wait for a key. */
  get blocked(): number {
    return this.waitingFor.size
  }

  /** False: `offset` waits now, until `release` gives it back. */
  lease(offset: number, key: string, consumer: Id): boolean {
    let lock = this.locks.get(key)
    if (lock === undefined) {
      this.locks.set(key, (lock = { key, consumer, leased: 0, delayed: 0, highest: offset, waiting: new Set() }))
    } else if (lock.consumer !== consumer || lock.delayed > 0 || lock.highest > offset || lock.waiting.size > 0) {
      lock.waiting.add(offset)
      this.waitingFor.set(offset, lock)
      return false
    }
    lock.leased++
    lock.highest = offset
    this.byOffset.set(offset, lock)
    return true
  }

  /** A leased one waits for its time now: its key stays locked. */
  delay(offset: number): void {
    const lock = this.byOffset.get(offset)
    if (lock === undefined) return
    lock.leased--
    lock.delayed++
  }

  /** A leased (or delayed) one has gone, or is ready. Appends to `freed` those that waited, when they need not any more. */
  release(offset: number, delayed: boolean, freed: number[]): void {
    const lock = this.byOffset.get(offset)
    if (lock === undefined) return
    this.byOffset.delete(offset)
    if (delayed) lock.delayed--
    else lock.leased--
    if (lock.leased > 0 || lock.delayed > 0) return
    this.locks.delete(lock.key)
    for (const waiting of lock.waiting) {
      this.waitingFor.delete(waiting)
      freed.push(waiting)
    }
  }

  /** A waiting one was settled. */
  forget(offset: number): void {
    this.waitingFor.get(offset)?.waiting.delete(offset)
    this.waitingFor.delete(offset)
  }

  clear(): void {
    this.locks.clear()
    this.byOffset.clear()
    this.waitingFor.clear()
  }
}
