import type { Clock, DiskSpace, Timers } from '../../world/index.ts'
import type { StoreLoad } from '../span/index.ts'

const megabyte = 1_000_000
const baseBytesPerSecond = 20 * megabyte
/** Tokens saved up while idle: two steps. */
const savedBytesMax = 2 * 1024 * 1024
const adjustEveryMs = 1000
const factorMin = 1 / 16

/** Above this the cleaner keeps up with what comes in, whatever the commits say; see C4. */
export const pressedAbove = 0.8
const publishersSlowAbove = 0.9

/** A disk that others have filled is no reason to hurry while there is room for so many times what the log holds. */
const roomFactor = 4

/** How full the disk is for the cleaner, 0 to 1. `ownBytes`: of the log's files. */
export function shareUsed({ freeBytes, totalBytes }: DiskSpace, ownBytes: number): number {
  if (!Number.isFinite(totalBytes) || totalBytes <= 0) return 0
  const used = 1 - freeBytes / totalBytes
  return freeBytes > roomFactor * ownBytes ? Math.min(used, pressedAbove) : used
}

/**
 * How fast the cleaner may write (C4): half of what comes in and 20 MB/s, less while commits take more than twice what
 * they take when it rests. Above 80 % of the disk at least what comes in; above 90 % it gives way no more.
 */
export function bytesPerSecond(ingestBytesPerSecond: number, factor: number, used: number): number {
  const normal = ingestBytesPerSecond / 2 + baseBytesPerSecond
  if (used <= pressedAbove) return normal * factor
  const pressed = Math.max(normal, ingestBytesPerSecond)
  return used > publishersSlowAbove ? pressed : pressed * Math.max(factor, 0.5)
}

/** The share of its speed that commits leave to the cleaner: halved when they suffer, given back bit by bit. */
export function adjusted(factor: number, load: StoreLoad): number {
  const suffers = load.commitP99IdleMs > 0 && load.commitP99Ms > 2 * load.commitP99IdleMs
  return suffers ? Math.max(factorMin, factor / 2) : Math.min(1, factor + 1 / 16)
}

/** Lets the cleaner's steps through at the speed that `bytesPerSecond` allows. */
export class Budget {
  /** Told by the cleaner at each look. */
  used = 0
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly load: () => StoreLoad
  private factor = 1
  private tokens = savedBytesMax
  private rate = baseBytesPerSecond
  private refilledAt: number
  private adjustedAt: number
  private ingestedBytes: number

  constructor(clock: Clock, timers: Timers, load: () => StoreLoad) {
    this.clock = clock
    this.timers = timers
    this.load = load
    this.refilledAt = this.adjustedAt = clock.monotonic()
    this.ingestedBytes = load().ingestedBytes
  }

  /** Resolves when `bytes` more may be written. */
  async take(bytes: number): Promise<void> {
    this.refill()
    this.tokens -= bytes
    while (this.tokens < 0) {
      const waitMs = Math.max(1, Math.min(adjustEveryMs, (-this.tokens / this.rate) * 1000))
      await new Promise<void>((resolve) => this.timers.after(waitMs, resolve))
      this.refill()
    }
  }

  private refill(): void {
    const now = this.clock.monotonic()
    if (now - this.adjustedAt >= adjustEveryMs) this.adjust(now)
    this.tokens = Math.min(savedBytesMax, this.tokens + ((now - this.refilledAt) / 1000) * this.rate)
    this.refilledAt = now
  }

  private adjust(now: number): void {
    const load = this.load()
    const ingest = ((load.ingestedBytes - this.ingestedBytes) / (now - this.adjustedAt)) * 1000
    this.factor = adjusted(this.factor, load)
    this.rate = bytesPerSecond(ingest, this.factor, this.used)
    this.ingestedBytes = load.ingestedBytes
    this.adjustedAt = now
  }
}
