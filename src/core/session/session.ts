import type { Timer } from '../../world/index.ts'
import type { CreditPool } from '../delivery/consumers.ts'
import type { Delivery, Id, Notice, OpenOptions, Receiver } from '../facade/index.ts'

export type Will = NonNullable<OpenOptions['wills']>[number]

/** One client's presence. */
export class Session {
  readonly id: Id
  readonly namespace: Id
  readonly name: string | null
  user: string
  epoch = 1
  keepMs = 0
  client: { protocol: string; address: string } | null = null
  /** Its connection does not take what it is given: nothing more is delivered to it until it does. */
  suspended = false
  /** Null: nobody is connected. */
  receiver: Receiver | null = null
  wills: readonly Will[] = []
  /** Due, and not published for lack of space; a client that comes back changes nothing of that. */
  lateWills: Will[] = []
  readonly saved = new Map<string, Buffer>()
  /** Objects whose lifetime or routes end with it. */
  readonly owned = new Set<Id>()
  readonly consumers = new Set<Id>()
  /** Consumers that have gone, or never stood in line, and may still hold leases; and of which subscription. */
  readonly held = new Map<Id, Id>()
  /** Credit that several consumers share, by pool number. */
  readonly pools = new Map<number, CreditPool>()
  /** When nobody has come back: its end. And of each will that is delayed. */
  readonly timers: Timer[] = []
  /** Of a session that is kept: when its last connection went, ms since 1970. */
  leftAt = 0
  /** The last commit that a durable reply of this session waits for: a later `os` reply may not overtake it. */
  replyCommit = 0
  deliveries: Delivery[] = []
  notices: Notice[] = []
  ended = false
  /** Called when its connection has gone: what waits for its sake waits no more. */
  readonly whenGone = new Set<() => void>()

  constructor(id: Id, namespace: Id, name: string | null, user: string) {
    this.id = id
    this.namespace = namespace
    this.name = name
    this.user = user
  }

  get durable(): boolean {
    return this.name !== null && this.keepMs > 0
  }

  /** Its connection has gone, or is about to hear that it has no session any more. */
  leave(): void {
    this.receiver = null
    this.deliveries = []
    this.notices = []
    for (const run of [...this.whenGone]) run()
  }

  cancelTimers(): void {
    for (const timer of this.timers.splice(0)) timer.cancel()
  }
}
