import type { Machine, Store } from '../log/index.ts'
import type { Clock, Random, Timers } from '../world/index.ts'
import type { ReadTrouble } from './read/unreadable.ts'

/** What a broker needs of the outside. */
export interface BrokerOptions {
  clock: Clock
  timers: Timers
  random: Random
  /** Replays what is stored into the machine, then resolves. Called again after the store has failed. */
  openStore(machine: Machine): Promise<Store>
  /** Told of what readers cannot have: damage once for each place, a disk that gives an error each time. */
  report?: (trouble: ReadTrouble) => void
  /** A receiver threw, a fault in its protocol, and has lost its session. Absent: the process should not go on. */
  receiverFailed?: (error: unknown, client: { protocol: string; address: string } | null) => void
  options?: Partial<BrokerLimits>
}

export interface BrokerLimits {
  /** Of logs that do not say. */
  durability: 'fsync' | 'os'
  /** Staged and not yet durable; above, publishers are told to wait. */
  stagedBytesMax: number
  /** Of logs that do not say: the largest batch of records taken, and the largest record. */
  recordBytesMax: number
  /** How often logs are looked at for what may go. */
  retentionMs: number
  /** Records and bytes that are delivered in one turn, of all subscriptions together; the others have the next ones. */
  deliveriesPerTurn: number
  deliveredBytesPerTurn: number
  /** Read for subscriptions and not delivered yet, of all together. */
  readAheadBytesMax: number
  /** Read from the disk at once for readers by position, of all together. */
  readBytesMax: number
  /** Records one subscription moves out (expired, over the limit) before others get their turn. */
  movesPerTurn: number
  /** How often a record moves on by itself; circles end before that, and no chain of queues is so long. */
  hopsMax: number
  /** Publishes of one namespace that wait for their time. */
  deferredMax: number
  /** How long until the store is opened again after it failed; doubled with each try, up to `reopenMsMax`. */
  reopenMs: number
  reopenMsMax: number
}

export const defaultLimits: BrokerLimits = {
  durability: 'fsync',
  stagedBytesMax: 8 * 1024 * 1024,
  recordBytesMax: 128 * 1024 * 1024,
  retentionMs: 5000,
  deliveriesPerTurn: 20_000,
  deliveredBytesPerTurn: 4 * 1024 * 1024,
  readAheadBytesMax: 32 * 1024 * 1024,
  readBytesMax: 48 * 1024 * 1024,
  movesPerTurn: 2000,
  hopsMax: 64,
  deferredMax: 1_000_000,
  reopenMs: 1000,
  reopenMsMax: 10_000,
}
