import type { Consumer, ConsumerSet, CreditPool } from '../delivery/consumers.ts'
import type { AttachOptions, Id } from '../facade/index.ts'
import type { Session } from '../session/session.ts'

/** A consumer as the shard knows it: what selection sees, and what is done with what it is given. */
export class Attached implements Consumer {
  readonly id: Id
  readonly session: Id
  readonly owner: Session
  readonly subscription: Id
  readonly priority: number
  readonly exclusive: boolean
  pool: CreditPool | null
  /** What the session calls that pool. */
  poolNumber: number | null
  readonly leaseMs: number
  readonly settle: 'byConsumer' | 'onDelivery'
  messages = 0
  bytes = Infinity
  listed = false
  set: ConsumerSet | null = null

  get suspended(): boolean {
    return this.owner.suspended
  }

  constructor(id: Id, owner: Session, pool: CreditPool | null, options: AttachOptions) {
    this.id = id
    this.session = owner.id
    this.owner = owner
    this.pool = pool
    this.poolNumber = options.pool ?? null
    this.subscription = options.subscription
    this.priority = options.priority ?? 0
    this.exclusive = options.exclusive ?? false
    this.leaseMs = options.leaseMs
    this.settle = options.settle
  }
}
