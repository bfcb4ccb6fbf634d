import { Damaged } from '../damaged.ts'
import { DiskError, type Timer } from '../../world/index.ts'
import { adopted, diskBytes, type SpanInfo } from '../span/index.ts'
import { pressedAbove, shareUsed } from './budget.ts'
import { measure, type Liveness } from './liveness.ts'
import { plan, type Plan, type SpanStats } from './plan.ts'
import { commitEdit, settle, type SettleOutcome, type SettleRoom } from './settle.ts'

/** Spans measured at one look: the ones whose measurement is oldest. */
const measuredPerLook = 4
const measuredPerLookPressed = 64
/** How long spans are left alone that a plan failed on: for lack of space, or because their bytes are bad. */
const setAsideMs = 60_000
const damagedAsideMs = 3_600_000

interface Measured extends Liveness {
  at: number
}

/** `all`: its bytes are bad, or others need them. `writing`: the disk took no copy; if it dies it can still go. */
interface Aside {
  until: number
  from: 'all' | 'writing'
}

/**
 * Watches over the spans: measures them in turn, asks the planner, carries its plan out (C1 to C6), one at a time.
 * Everything it knows is computed from the authority and forgotten at the end of the process (F7).
 */
export class Cleaner {
  /** Bytes written since the start. */
  settledBytes = 0
  private readonly room: SettleRoom
  private readonly measured = new Map<number, Measured>()
  private readonly wanted = new Set<number>()
  /** Spans that a plan failed on, until when they are left alone. */
  private readonly aside = new Map<number, Aside>()
  private timer: Timer | null = null
  private running: Promise<void> | null = null
  private closed = false

  constructor(room: Omit<SettleRoom, 'closing'>) {
    this.room = { ...room, closing: () => this.closed }
  }

  start(): void {
    const { lookEveryMs } = this.room.host.limits
    if (lookEveryMs > 0) this.timer = this.room.host.timers.after(lookEveryMs, () => this.look())
  }

  private look(): void {
    void this.clean().then(() => {
      if (!this.closed) this.start()
    })
  }

  /** One look and all that follows from it. Never rejects. */
  clean(): Promise<void> {
    this.running ??= this.cleanAll().finally(() => {
      this.running = null
      this.room.files.scanned()
    })
    return this.running
  }

  /** A cold reader met small extents in this span. */
  want(span: number): void {
    this.wanted.add(span)
  }

  /** Payload bytes still needed, as last measured; what was not measured counts in full. */
  get liveBytes(): number {
    let bytes = 0
    for (const info of this.room.manifest.list()) bytes += this.measured.get(info.id)?.liveBytes ?? info.payloadBytes
    return bytes
  }

  private async cleanAll(): Promise<void> {
    try {
      const pressed = await this.measureUse()
      for (const info of this.due(pressed)) {
        if (this.closed) return
        await this.measure(info)
      }
      while (!this.closed && (await this.step(pressed)));
    } catch (error) {
      this.room.host.report(error as Error)
    }
  }

  private async measureUse(): Promise<boolean> {
    const { host, manifest, budget } = this.room
    const space = await host.disk.space()
    const own = manifest.list().reduce((sum, info) => sum + diskBytes(info), 0)
    budget.used = shareUsed(space, own)
    return budget.used > pressedAbove
  }

  private due(pressed: boolean): SpanInfo[] {
    const infos = this.room.manifest.list()
    for (const id of this.measured.keys()) if (!this.room.manifest.has(id)) this.measured.delete(id)
    for (const id of this.wanted) if (!this.room.manifest.has(id)) this.wanted.delete(id)
    const at = (info: SpanInfo): number => this.measured.get(info.id)?.at ?? -1
    const count = pressed ? measuredPerLookPressed : measuredPerLook
    const fit = infos.filter((info) => this.asideFrom(info.id) !== 'all')
    return fit.sort((a, b) => at(a) - at(b)).slice(0, count)
  }

  private async measure(info: SpanInfo): Promise<void> {
    const { files, authority, host } = this.room
    files.pin(info.id)
    try {
      const liveness = await this.mending([info], async () => measure(await files.scan(info), authority))
      this.measured.set(info.id, { ...liveness, at: host.clock.monotonic() })
    } catch (error) {
      this.measured.delete(info.id)
      this.setAside([info.id], error)
    } finally {
      files.unpin(info.id)
    }
  }

  private settle(infos: readonly SpanInfo[]): Promise<SettleOutcome> {
    return this.mending(infos, () => settle(this.room, infos))
  }

  /** Does it once more when the index of one of these segments was bad, which is only a cache, and was made again. */
  private async mending<T>(infos: readonly SpanInfo[], work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      for (const info of infos) {
        if (!(await this.room.files.mend(info, error))) continue
        const others = infos.filter((other) => other !== info)
        return this.mending(others, work)
      }
      throw error
    }
  }

  private setAside(ids: readonly number[], error: unknown, from: Aside['from'] = 'all'): void {
    const until = this.room.host.clock.monotonic() + (error instanceof Damaged ? damagedAsideMs : setAsideMs)
    for (const id of ids) this.aside.set(id, { until, from })
    if (error !== null) this.room.host.report(error as Error)
  }

  private asideFrom(id: number): Aside['from'] | null {
    const aside = this.aside.get(id)
    if (aside === undefined) return null
    if (aside.until > this.room.host.clock.monotonic() && this.room.manifest.has(id)) return aside.from
    this.aside.delete(id)
    return null
  }

  /** Carries out one plan; false when there is none. */
  private async step(pressed: boolean): Promise<boolean> {
    const { host } = this.room
    const next = plan(this.stats(), { ...host.limits, pressed })
    if (next === null) return false
    const gone = next.spans.map((id) => this.room.manifest.get(id)!)
    for (const info of gone) this.room.files.pin(info.id)
    try {
      // Dead or not is asked again: the measurement may be older than a consumer that went back.
      for (const info of gone) await this.measure(info)
      return await this.carryOut(next, gone)
    } catch (error) {
      if (error instanceof DiskError) this.setAside(next.spans.slice(0, 1), error, 'writing')
      else this.setAside(next.spans, error)
      return true
    } finally {
      for (const info of gone) this.room.files.unpin(info.id)
    }
  }

  private async carryOut(next: Plan, gone: readonly SpanInfo[]): Promise<boolean> {
    const dead = gone.filter((info) => this.measured.get(info.id)?.liveExtents === 0)
    if (next.reason === 'dead') {
      const removed = this.unglued(dead.map((info) => info.id))
      if (removed.length < next.spans.length) this.setAside(next.spans, null)
      if (removed.length === 0) return true
      this.commit({ edit: { removed, added: [] }, settled: [] })
      return true
    }
    if (this.unglued(next.spans).length < next.spans.length) {
      this.setAside(next.spans, null)
      return true
    }
    const outcome = await this.settle(gone)
    if (outcome === 'closing') return false
    if (outcome === 'interleaved') return this.alone(next, gone)
    this.commit(outcome)
    return true
  }

  /** Spans that cannot be joined are settled one by one, where that frees anything; the others are left alone. */
  private async alone(next: Plan, gone: readonly SpanInfo[]): Promise<boolean> {
    this.setAside(next.spans, null)
    for (const info of gone) {
      const live = this.measured.get(info.id)?.liveBytes ?? info.payloadBytes
      if (live * 2 > diskBytes(info) || this.unglued([info.id]).length === 0) continue
      const outcome = await this.settle([info])
      if (outcome === 'closing') return false
      if (outcome !== 'interleaved') this.commit(outcome)
    }
    return true
  }

  /**
   * Leaves out segments into which a payload of a segment that stays runs on. The plan knows only what was measured;
   * what stays may be something else.
   */
  private unglued(removed: readonly number[]): number[] {
    const { manifest } = this.room
    const gone = new Set(removed)
    const needed = new Set<number>()
    for (const { id, firstSeq, segmentsOn } of manifest.list()) {
      if (!gone.has(id)) for (let on = 1; on <= segmentsOn; on++) needed.add(firstSeq + on)
    }
    return removed.filter((id) => {
      const info = manifest.get(id)!
      return !adopted(info) || !needed.has(info.firstSeq)
    })
  }

  private commit(outcome: Parameters<typeof commitEdit>[1]): void {
    const { host } = this.room
    for (const { info } of outcome.settled) this.settledBytes += diskBytes(info)
    // Not awaited: after a failure of the store it never resolves. What goes wrong with a removal is an orphan file.
    commitEdit(this.room, outcome).catch((error: unknown) => host.report(error as Error))
  }

  private stats(): SpanStats[] {
    const { manifest, host } = this.room
    const now = host.clock.now()
    const stats: SpanStats[] = []
    for (const info of manifest.list()) {
      const liveness = this.measured.get(info.id)
      const aside = this.asideFrom(info.id)
      if (liveness === undefined || aside === 'all') continue
      const { id, firstSeq, lastSeq, life, payloadBytes, extents, newestAt, segmentsOn } = info
      const { liveBytes, liveExtents, byLife } = liveness
      const facts = { id, firstSeq, lastSeq, life, payloadBytes, extents, segmentsOn, liveBytes, liveExtents, byLife }
      const more = { adopted: adopted(info), diskBytes: diskBytes(info), ageMs: now - newestAt }
      stats.push({ ...facts, ...more, wanted: this.wanted.has(id), onlyWhole: aside === 'writing' })
    }
    return stats
  }

  /** Nothing more is begun; resolves when what runs has stopped. */
  async close(): Promise<void> {
    this.closed = true
    this.timer?.cancel()
    await this.running
  }
}
