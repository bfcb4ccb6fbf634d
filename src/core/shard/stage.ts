import type { ExtentFacts, Payload, Store } from '../../log/index.ts'
import { entryKind } from './entry-kinds.ts'
import type { Partition } from './partition.ts'
import type { Level } from './releases.ts'

/** The partitions that grew in one commit, where they ended, and the bytes they grew by. */
interface Growth {
  commit: number
  partitions: Partition[]
  ends: number[]
  /** `Partition.appended` then. */
  appended: number[]
  bytes: number
  /** When its first payload was staged, ms on the monotonic clock. */
  since: number
}

export interface Mark {
  count: number
  weak: number
  strict: number
}

/**
 * Everything the shard stages goes through here, so that one place knows which commit a reply depends on, how many
 * bytes are on their way, and when a partition's durable end moves.
 */
export class Stage {
  readonly store: Store
  /** The newest commit that holds something of ours. */
  last: number
  /** Extents staged in partitions that ask for less, and staged or told of in those that ask for more; see `levelSince`. */
  private weak = 0
  private strict = 0
  /** The newest commit that holds a definition. */
  lastDefined = 0
  /** The store has failed, or is closed: what still runs to its end changes nothing any more. */
  closed = false
  /** Objects that are not as the last checkpoint has them. */
  readonly changed = new Set<number>()
  /** Grows with everything that is staged. */
  count = 0
  /** Payload bytes staged and not yet as durable as the server promises. */
  bytes = 0
  /** Not written yet; and written, while somebody still waits for a sync. */
  private readonly unwritten: Growth[] = []
  private readonly unsynced: Growth[] = []
  private readonly promised: Level
  private readonly moved: (partition: Partition) => void
  private readonly monotonic: () => number

  /** `promised`: of logs that do not say. `moved` is called for each partition whose durable end has moved. */
  constructor(store: Store, promised: Level, moved: (partition: Partition) => void, monotonic: () => number) {
    this.store = store
    this.promised = promised
    this.monotonic = monotonic
    this.last = store.durable
    this.moved = moved
  }

  private touch(): void {
    this.last = this.store.staging
    this.count++
  }

  entry(kind: number, object: number, body: Uint8Array): void {
    if (this.closed) return
    this.touch()
    if (kind === entryKind.catalogue) this.lastDefined = this.last
    this.changed.add(object)
    this.store.stageEntry(kind, object, body)
  }

  create(partition: number): void {
    if (this.closed) return
    this.touch()
    this.store.createPartition(partition)
  }

  drop(partition: number): void {
    if (this.closed) return
    this.touch()
    this.store.dropPartition(partition)
  }

  trim(partition: Partition, start: number): void {
    if (this.closed || start <= partition.start) return
    this.touch()
    partition.start = start
    this.store.stageTrim(partition.id, start)
    partition.bytes = this.store.bounds(partition.id).bytes
  }

  payload(bytes: Uint8Array): Payload {
    return this.closed ? { bytes: bytes.length } : this.store.stagePayload(bytes)
  }

  /** Appends at the partition's next offset, which it returns. `bytes`: its size, for limits. */
  extent(
    partition: Partition,
    facts: Omit<ExtentFacts, 'baseOffset' | 'appendTime'>,
    payload: Payload,
    bytes = payload.bytes,
  ): number {
    const baseOffset = partition.next
    if (this.closed) return baseOffset
    const commit = this.store.staging
    const { count, maxTimestamp, flags, meta } = facts
    this.store.stageExtent(partition.id, { baseOffset, count, maxTimestamp, appendTime: 0, flags, meta }, payload)
    this.touch()
    if (isStrict(partition)) this.strict++
    else this.weak++
    partition.next = baseOffset + facts.count
    partition.bytes += payload.bytes
    partition.appended += bytes
    this.grew(commit, partition, payload.bytes)
    return baseOffset
  }

  private grew(commit: number, partition: Partition, bytes: number): void {
    let growth = this.unwritten.at(-1)
    if (growth === undefined || growth.commit !== commit) {
      growth = { commit, partitions: [], ends: [], appended: [], bytes: 0, since: this.monotonic() }
      this.unwritten.push(growth)
    }
    if (partition.stagedIn !== commit) {
      partition.stagedIn = commit
      partition.slot = growth.partitions.length
      growth.partitions.push(partition)
    }
    growth.ends[partition.slot] = partition.next
    growth.appended[partition.slot] = partition.appended
    growth.bytes += bytes
    this.bytes += bytes
  }

  /** An answer is about to tell of a record that was staged before, perhaps just now. */
  tell(partition: Partition, offset: number): void {
    if (isStrict(partition) && partition.durableEnd <= offset) this.strict++
  }

  /** What has been staged up to now; for `levelSince`. */
  mark(): Mark {
    return { count: this.count, weak: this.weak, strict: this.strict }
  }

  /** How durable that must be which has been staged since: `base`, unless it is all for logs that say otherwise. */
  levelSince(mark: Mark, base: Level): Level {
    if (this.strict > mark.strict) return 'fsync'
    if (base === 'os') return 'os'
    const staged = this.count - mark.count
    return staged > 0 && staged === this.weak - mark.weak ? 'os' : 'fsync'
  }

  /** How long the oldest payload has been staged that is not as durable as promised yet. */
  get waitMs(): number {
    const oldest = (this.promised === 'fsync' ? this.unsynced[0] : undefined) ?? this.unwritten[0]
    return oldest === undefined ? 0 : this.monotonic() - oldest.since
  }

  /** Records that must be synced are written. */
  get waitsForSync(): boolean {
    return this.unsynced.length > 0
  }

  /** Somebody waits for what has been staged. */
  hard(): void {
    if (!this.closed && this.last === this.store.staging) this.store.hard()
  }

  /** To be called when the store has made progress. */
  progress(): void {
    const { written, durable } = this.store
    for (const growth of reached(this.unwritten, written)) {
      this.advance(growth, 'os')
      // Where nobody promised a sync none is asked for, and it may be long until one comes by itself.
      if (this.promised === 'os') this.bytes -= growth.bytes
      if (this.promised === 'fsync' || growth.partitions.some(isStrict)) this.unsynced.push(growth)
    }
    for (const growth of reached(this.unsynced, durable)) {
      this.advance(growth, 'fsync')
      if (this.promised === 'fsync') this.bytes -= growth.bytes
    }
  }

  private advance(growth: Growth, level: Level): void {
    for (let i = 0; i < growth.partitions.length; i++) {
      const partition = growth.partitions[i]!
      if ((level === 'os' && isStrict(partition)) || partition.durableEnd >= growth.ends[i]!) continue
      partition.durableEnd = growth.ends[i]!
      partition.durableAppended = growth.appended[i]!
      this.moved(partition)
    }
  }
}

/** Takes out those of commits up to `commit`. */
function reached(growths: Growth[], commit: number): Growth[] {
  let count = 0
  while (count < growths.length && growths[count]!.commit <= commit) count++
  return count === 0 ? none : growths.splice(0, count)
}

const none: Growth[] = []
const isStrict = ({ level }: Partition): boolean => level === 'fsync'
