import { sleep, type Load, type Ports } from './loads/load.ts'
import type { Victim } from './victim.ts'

/** A broker lives at least this long, and at most so much more; some live longer, for the cleaner looks every second. */
const livesMsMin = 150
const livesMs = 900
const longLivesMs = 3500
const longOneIn = 6
/** One of so many kills comes while the broker starts: before, in, or just after its recovery. */
const startingOneIn = 4

export interface CampaignResult {
  kills: number
  /** Of them, before the broker said that it was ready. */
  whileStarting: number
  startMsMax: number
}

/** Loads run beside all of it; the first promise that is not kept ends the campaign. */
export class Campaign {
  private readonly victim: Victim
  private readonly random: () => number
  private failure: Error | undefined

  constructor(victim: Victim, random: () => number) {
    this.victim = victim
    this.random = random
  }

  private readonly fail = (error: Error): void => {
    this.failure ??= error
  }

  async begin(loads: readonly Load[], ports: Ports): Promise<void> {
    await this.victim.ready()
    for (const load of loads)
      await this.unlessBroken(load.start(ports, this.fail), `${load.name} does not start`, 60_000)
  }

  async kills(count: number): Promise<CampaignResult> {
    const result: CampaignResult = { kills: 0, whileStarting: 0, startMsMax: this.victim.startMs }
    while (result.kills < count) {
      const spanMs = this.random() * longOneIn < 1 ? longLivesMs : livesMs
      await this.unlessBroken(sleep(livesMsMin + this.random() * spanMs), 'the broker lives', 60_000)
      await this.victim.kill()
      result.kills++
      while (result.kills < count && this.random() * startingOneIn < 1) {
        this.victim.launch()
        await sleep(this.random() * this.victim.startMs)
        await this.victim.kill()
        result.kills++
        result.whileStarting++
      }
      await this.victim.ready()
      result.startMsMax = Math.max(result.startMsMax, this.victim.startMs)
    }
    return result
  }

  /** All that was sent is acknowledged and seen, by clients that had no help. */
  async settle(loads: readonly Load[], timeoutMs: number): Promise<void> {
    await Promise.all(
      loads.map((load) =>
        this.unlessBroken(load.stop(), () => `${load.name} does not end: ${JSON.stringify(load.counts())}`, timeoutMs),
      ),
    )
  }

  /** Ends early, with what is wrong, when a promise is not kept meanwhile, and when `work` takes too long. */
  private async unlessBroken(work: Promise<void>, late: string | (() => string), timeoutMs: number): Promise<void> {
    const state = { over: false }
    const until = Date.now() + timeoutMs
    const ended = work.finally(() => (state.over = true))
    const watch = async (): Promise<void> => {
      while (!state.over) {
        if (this.failure !== undefined) throw this.failure
        if (Date.now() > until) throw new Error(typeof late === 'string' ? late : late())
        await sleep(20)
      }
    }
    await Promise.all([ended, watch()])
    if (this.failure !== undefined) throw this.failure
  }
}
