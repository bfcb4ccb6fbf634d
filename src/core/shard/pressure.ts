import type { Blocked } from '../facade/index.ts'
import type { Shard } from './shard.ts'

/** Tells every session when publishing is answered late or refused, and when that is over. */
export class Pressure {
  private readonly shard: Shard

  constructor(shard: Shard) {
    this.shard = shard
  }

  /** To be called when more has been staged, has become durable, or the store's health has changed. */
  look(): void {
    const { limits } = this.shard
    const most = this.shard.blocked === null ? limits.stagedBytesMax : limits.stagedBytesMax / 2
    const next = this.blockedBy(most)
    const before = this.shard.blocked
    if ((next === null) === (before === null) && next?.refusing === before?.refusing) return
    this.shard.blocked = next
    for (const session of this.shard.sessions.values()) {
      session.notices.push(next === null ? { notice: 'unblocked' } : { notice: 'blocked', ...next })
      this.shard.output(session)
    }
  }

  private blockedBy(stagedBytesMax: number): Blocked | null {
    const { stage, health } = this.shard
    if (health.state === 'full') return { reason: health.failure.detail, refusing: true }
    return stage.bytes > stagedBytesMax ? { reason: 'the disk is slower than you', refusing: false } : null
  }
}
