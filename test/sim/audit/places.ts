/**
 * Where messages are to be found. `log`: for ever, by offset. `queue`: until they are settled. `session`: a subscriber
 * that is told everything at least once, and whose storage nobody else sees.
 */
export type PlaceKind = 'log' | 'queue' | 'session'

/** One delivery that somebody holds. */
interface Lease {
  consumer: number
  attempt: number
  /** By the monotonic clock, ms. */
  until: number
}

/** What was promised and seen in one place. */
export class Place {
  readonly name: string
  readonly kind: PlaceKind
  /** By `partition@offset`: the id that is there. It was acknowledged with that offset, or seen there. */
  readonly at = new Map<string, string>()
  /** Ids that were ever delivered, and how often. */
  readonly delivered = new Map<string, number>()
  /** Ids that a consumer has tried to be rid of, for good; and how often that is known to be durable. */
  readonly settling = new Set<string>()
  readonly settled = new Map<string, number>()
  /** Of those: rejected. */
  readonly rejecting = new Set<string>()
  readonly rejected = new Set<string>()
  /** By `partition@offset`, of this life of the broker. */
  readonly leases = new Map<string, Lease>()
  /** By `partition@offset`, of this life: the newest attempt delivered. */
  readonly attempts = new Map<string, number>()
  /** By `partition@offset`: the newest attempt that is known to be durable. */
  readonly recorded = new Map<string, number>()
  /** Ids of which some delivery is known to be durable. */
  readonly told = new Set<string>()

  constructor(name: string, kind: PlaceKind) {
    this.name = name
    this.kind = kind
  }
}

/** One message, in all places it was sent to. */
export interface Message {
  readonly id: string
  /** Once acknowledged, it is in each of these. */
  readonly places: readonly string[]
  /** And perhaps in these: who asked for it while it was on its way. */
  readonly maybe: readonly string[]
  /** How many copies there may be: each try of a publisher that does not say which ones are the same is one. */
  sends: number
  state: 'sent' | 'acked' | 'refused'
}
