import type { Blocked } from '../facade/index.ts'
import type { Shard } from './shard.ts'

/** Answers that come later than this say that the disk is the slower one, where there is something to write. */
const waitMsMax = 250
/** And it has caught up when they come sooner than this. */
const caughtUpMs = 50

/** Tells every session when publishing is answered late or refused, and when that is over. */
export class Pressure {
  private readonly shard: Shard

  constructor(shard: Shard) {
    this.shard = shard
  }

  /** To be called when more has been staged, has become durable, or the store's health has changed. */
  look(): void {
    const { limits } = this.shard
    const before = this.shard.blocked
    const next =
      before === null
        ? this.blockedBy(limits.stagedBytesMax, waitMsMax)
        : this.blockedBy(limits.stagedBytesMax / 2, caughtUpMs)
    if ((next === null) === (before === null) && next?.refusing === before?.refusing) return
    this.shard.blocked = next
    for (const session of this.shard.sessions.values()) {
      session.notices.push(next === null ? { notice: 'unblocked' } : { notice: 'blocked', ...next })
      this.shard.output(session)
    }
  }

  private blockedBy(stagedBytesMax: number, waitMs: number): Blocked | null {
    const { stage, health } = this.shard
    if (health.state === 'full') return { reason: health.failure.detail, refusing: true }
    const late = stage.bytes > stagedBytesMax / 16 && stage.waitMs > waitMs
    return late || stage.bytes > stagedBytesMax ? { reason: 'the disk is slower than you', refusing: false } : null
  }
}
