import type { Timer } from '../../world/index.ts'
import { ConsumerSet } from '../delivery/consumers.ts'
import type { DeliveryPolicy, Id, SubscriptionSpec } from '../facade/index.ts'
import { LeaseQueue } from '../queue/lease-queue.ts'
import type { StoredBatch } from '../shard/batches.ts'
import type { LogState } from '../shard/log-state.ts'
import type { Partition } from '../shard/partition.ts'

/** One partition as a leased subscription sees it. */
export interface Lane {
  readonly partition: Partition
  readonly queue: LeaseQueue
  /** The batch that was delivered from last; its records are often asked for again. */
  batch: StoredBatch | null
  /** What the last read brought; bounded by its size. */
  ahead: readonly StoredBatch[]
  /** The offset it began at: from there on what is not in `ahead` is in no batch up to its end. */
  aheadFrom: number
  /** `partition.durableAppended` when the queue was last told of new records; more after a purge of staged ones. */
  seen: number
  /** From there on records became visible just now: who waits for them gets them, even if their time is over. */
  fresh: number
  /** The bytes are on their way from the disk. */
  reading: boolean
  /** The head that was looked at last for its expiry, ms since 1970. */
  headAt: number
  headExpiry: number
  /** With a limit in bytes: the size of what is ready is known, or is being found out. */
  counted: boolean
  counting: boolean
}

/** A leased subscription. */
export class Leased {
  readonly id: Id
  readonly log: LogState
  spec: SubscriptionSpec
  policy: DeliveryPolicy
  /** By partition index. */
  readonly lanes: (Lane | null)[] = []
  readonly consumers: ConsumerSet
  /** Which lane is looked at first. */
  turn = 0
  /** Nobody attaches: its records are publishes that wait for their time. */
  scheduled = false
  lost = 0
  /** Records moved out since its turn began; and it waits for the next one. */
  moved = 0
  resting = false
  timer: Timer | null = null
  timerAt = Infinity
  usedAt = 0
  hadConsumer = false
  /** Called once when a read that is under way has ended, well or not. */
  private untilRead: (() => void)[] = []

  constructor(id: Id, log: LogState, spec: SubscriptionSpec) {
    this.id = id
    this.log = log
    this.spec = spec
    this.policy = spec.policy ?? {}
    this.consumers = new ConsumerSet(this.policy.active ?? 'all')
  }

  redefine(spec: SubscriptionSpec): void {
    this.spec = spec
    const limited = this.policy.readyBytesMax !== undefined
    this.policy = spec.policy ?? {}
    for (const lane of this.lanes) {
      if (lane === null) continue
      this.configure(lane)
      if (!limited) lane.counted = false
    }
  }

  /** `start`: the first offset of the partition that it wants. */
  addLane(partition: Partition, start: number): Lane {
    const queue = new LeaseQueue(start, Math.max(start, partition.durableEnd))
    const lane: Lane = {
      partition,
      queue,
      batch: null,
      ahead: [],
      aheadFrom: 0,
      seen: start > partition.durableEnd ? partition.appended : partition.durableAppended,
      fresh: Infinity,
      reading: false,
      headAt: -1,
      headExpiry: Infinity,
      counted: queue.ready === 0,
      counting: false,
    }
    while (this.lanes.length < partition.index) this.lanes.push(null)
    this.lanes[partition.index] = lane
    this.configure(lane)
    return lane
  }

  private configure(lane: Lane): void {
    lane.headAt = -1
    lane.queue.backOffMs = this.policy.backOffMs ?? []
    if (this.policy.readyBytesMax !== undefined) lane.partition.countsValues = true
  }

  /** Records may expire: there is a ttl, or one was published with an expiry. */
  get expires(): boolean {
    return this.log.expires || this.policy.ttlMs !== undefined
  }

  get reading(): boolean {
    return this.lanes.some((lane) => lane?.reading)
  }

  /** Resolves when a read that is under way has ended. */
  nextRead(): Promise<void> {
    return new Promise((resolve) => this.untilRead.push(resolve))
  }

  hasRead(lane: Lane): void {
    lane.reading = false
    for (const resolve of this.untilRead.splice(0)) resolve()
  }

  lane(partition: number): Lane | null {
    return this.lanes[partition] ?? null
  }

  /** Of what is durable. */
  get ready(): number {
    let ready = 0
    for (const lane of this.lanes) if (lane !== null) ready += lane.queue.ready
    return ready
  }

  /** Ready, and what will be when it is durable. */
  get staged(): number {
    let staged = this.ready
    for (const lane of this.lanes) if (lane !== null) staged += Math.max(0, lane.partition.next - lane.queue.end)
    return staged
  }

  get readyBytes(): number {
    let bytes = 0
    for (const lane of this.lanes) if (lane !== null) bytes += lane.queue.readyBytes
    return bytes
  }

  get retaining(): boolean {
    return this.policy.retaining !== false
  }
}
