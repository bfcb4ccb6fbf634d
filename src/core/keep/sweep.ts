import type { Timer } from '../../world/index.ts'
import { trimLastValues } from '../last-value/last-value.ts'
import type { Shard } from '../shard/shard.ts'
import { endIdle } from './lifetimes.ts'
import { retainAll } from './retention.ts'

const idleMs = 100
/** As long as Kafka remembers an idempotent producer that has gone quiet. */
const producerMs = 86_400_000

/** What has to be looked at from time to time, because nothing happens that would say when. */
export class Sweep {
  private readonly shard: Shard
  private timer: Timer | null = null
  private retainedAt = 0
  private busy = false
  private stopped = false

  constructor(shard: Shard) {
    this.shard = shard
  }

  start(): void {
    this.retainedAt = this.shard.world.clock.monotonic()
    this.again()
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
  }

  private again(): void {
    this.timer = this.shard.world.timers.after(idleMs, () => this.run())
  }

  private run(): void {
    const { shard } = this
    if (this.stopped || shard.health.state === 'failed') return
    endIdle(shard)
    const now = shard.world.clock.monotonic()
    if (now - this.retainedAt >= shard.limits.retentionMs && !this.busy) {
      this.retainedAt = now
      this.busy = true
      trimLastValues(shard)
      forgetProducers(shard)
      const done = (): void => void (this.busy = false)
      shard.background(retainAll(shard).then(done, done))
    }
    this.again()
  }
}

function forgetProducers(shard: Shard): void {
  for (const { producers } of shard.partitions.values()) producers?.expire(shard.now - producerMs)
}
