import type { Id } from '../facade/index.ts'

/** Credit that several consumers of one session use up together (an AMQP channel's prefetch). */
export interface CreditPool {
  messages: number
  /** The sets and consumers to wake when it is granted more. */
  readonly members: Set<Consumer>
}

export const creditPool = (): CreditPool => ({ messages: 0, members: new Set() })

/** What selection knows of an attached consumer; the shard keeps the rest beside it. */
export interface Consumer {
  readonly id: Id
  readonly session: Id
  readonly priority: number
  readonly exclusive: boolean
  pool: CreditPool | null
  /** What it may still be given. Bytes may be overdrawn by one message. */
  messages: number
  bytes: number
  /** Its connection takes nothing now. */
  readonly suspended: boolean
  /** In the set's ring of those that may have credit. The set's own. */
  listed: boolean
  /** The set it is in. */
  set: ConsumerSet | null
}

export function newConsumer(facts: {
  id: Id
  session: Id
  priority: number
  exclusive: boolean
  pool: CreditPool | null
}): Consumer {
  return { ...facts, messages: 0, bytes: 0, suspended: false, listed: false, set: null }
}

/** How many messages it may be given now. */
export const room = (c: Consumer): number =>
  c.bytes <= 0 || c.suspended ? 0 : c.pool === null ? c.messages : Math.min(c.messages, c.pool.messages)

export function spend(c: Consumer, messages: number, bytes: number): void {
  c.messages -= messages
  c.bytes -= bytes
  if (c.pool !== null) c.pool.messages -= messages
}

/** Consumers whose activity changed: what `active` notices say. */
export interface ActiveChange {
  consumer: Consumer
  active: boolean
}

/**
 * The consumers of one subscription, and whose turn it is: highest priority first, in turns within it, and only who
 * has credit. Consumers without credit are not looked at again until they are granted some.
 */
export class ConsumerSet {
  private readonly mode: 'all' | 'one'
  /** By priority, highest first; within it by age. */
  private readonly all: Consumer[] = []
  /** Rings of those that may have credit, by priority, highest first. */
  private readonly rings: { priority: number; waiting: Consumer[] }[] = []
  private active: Consumer | null = null

  constructor(mode: 'all' | 'one') {
    this.mode = mode
  }

  get size(): number {
    return this.all.length
  }

  consumers(): readonly Consumer[] {
    return this.all
  }

  isActive(c: Consumer): boolean {
    return this.mode === 'all' || this.active === c
  }

  /** May not join: an exclusive one is there, or it wants to be and is not alone. */
  refuses(exclusive: boolean): boolean {
    return this.all.length > 0 && (exclusive || this.all[0]!.exclusive)
  }

  add(c: Consumer): ActiveChange[] {
    let at = this.all.length
    while (at > 0 && this.all[at - 1]!.priority < c.priority) at--
    this.all.splice(at, 0, c)
    c.set = this
    c.pool?.members.add(c)
    const changes = this.elect()
    this.wake(c)
    return changes
  }

  remove(c: Consumer): ActiveChange[] {
    const at = this.all.indexOf(c)
    if (at < 0) return []
    this.all.splice(at, 1)
    c.set = null
    c.pool?.members.delete(c)
    if (c.listed) this.unlist(c)
    return this.elect().filter((change) => change.consumer !== c)
  }

  /** The one whose turn it is; it goes to the end of the line. Null: nobody may be given anything. */
  next(): Consumer | null {
    for (const ring of this.rings) {
      while (ring.waiting.length > 0) {
        const c = ring.waiting.shift()!
        if (room(c) > 0 && this.isActive(c)) {
          ring.waiting.push(c)
          return c
        }
        c.listed = false
      }
    }
    return null
  }

  /** Of those that may be given something at the priority whose turn it is: how many take part in the turns. */
  rivals(): number {
    for (const ring of this.rings) if (ring.waiting.length > 0) return ring.waiting.length
    return 0
  }

  /** How many messages they may be given now, counted up to `most`. Consumers of one pool count its credit each. */
  credit(most: number): number {
    let credit = 0
    for (const c of this.all) {
      if (credit >= most) break
      if (this.isActive(c)) credit += Math.max(0, room(c))
    }
    return Math.min(credit, most)
  }

  /** After a grant to `c`, or to its pool. */
  wake(c: Consumer): void {
    if (c.listed || room(c) <= 0 || !this.isActive(c)) return
    c.listed = true
    this.ring(c.priority).push(c)
  }

  private ring(priority: number): Consumer[] {
    let at = 0
    while (at < this.rings.length && this.rings[at]!.priority > priority) at++
    if (this.rings[at]?.priority !== priority) this.rings.splice(at, 0, { priority, waiting: [] })
    return this.rings[at]!.waiting
  }

  private unlist(c: Consumer): void {
    const ring = this.ring(c.priority)
    ring.splice(ring.indexOf(c), 1)
    c.listed = false
    if (ring.length === 0)
      this.rings.splice(
        this.rings.findIndex((r) => r.waiting === ring),
        1,
      )
  }

  private elect(): ActiveChange[] {
    if (this.mode === 'all') return []
    const first = this.all[0] ?? null
    const before = this.active
    if (first === before) return []
    this.active = first
    const changes: ActiveChange[] = []
    if (before !== null) changes.push({ consumer: before, active: false })
    if (first !== null) {
      changes.push({ consumer: first, active: true })
      this.wake(first)
    }
    return changes
  }
}

/** Adds credit and puts the consumer back in line. */
export function grant(c: Consumer, messages: number, bytes: number): void {
  c.messages += messages
  c.bytes += bytes
  c.set?.wake(c)
}

/** From now on it needs that pool's credit, too, and no other's. */
export function joinPool(c: Consumer, pool: CreditPool): void {
  c.pool?.members.delete(c)
  c.pool = pool
  pool.members.add(c)
  c.set?.wake(c)
}

export function grantPool(pool: CreditPool, messages: number): void {
  pool.messages += messages
  for (const c of pool.members) c.set?.wake(c)
}
