import type { Shard } from './shard.ts'

/** Tells every session when publishing is answered late or refused, and when that is over. */
export class Pressure {
  private readonly shard: Shard

  constructor(shard: Shard) {
    this.shard = shard
  }

  /** To be called when more has been staged, has become durable, or the store's health has changed. */
  look(): void {
    const { stage, limits, health } = this.shard
    const most = this.shard.blocked === null ? limits.stagedBytesMax : limits.stagedBytesMax / 2
    const reason =
      health.state === 'full' ? health.failure.detail : stage.bytes > most ? 'the disk is slower than you' : null
    if ((reason === null) === (this.shard.blocked === null)) return
    this.shard.blocked = reason
    for (const session of this.shard.sessions.values()) {
      session.notices.push(reason === null ? { notice: 'unblocked' } : { notice: 'blocked', reason })
      this.shard.output(session)
    }
  }
}
