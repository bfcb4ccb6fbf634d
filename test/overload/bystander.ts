import type { Load, Report } from './load.ts'

const phases = ['before', 'during', 'after'] as const
export type Phase = (typeof phases)[number]

interface Seen {
  seconds: number
  answeredMs: number[]
  deliveredMs: number[]
}

export interface Latency {
  perSecond: number
  p50Ms: number
  p99Ms: number
  maxMs: number
}

/** The value below which `share` of the sorted values lie. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted.length === 0 ? NaN : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

function latencyOf(values: readonly number[], seconds: number): Latency {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    perSecond: seconds === 0 ? 0 : values.length / seconds,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? NaN,
  }
}

/**
 * An ordinary client beside the load: publishes at a fixed rate, whatever becomes of the messages before, and consumes
 * what it published. Latency counts from when a message was due.
 */
export class Bystander {
  readonly load: Load
  readonly protocol: string
  private phase: Phase | null = null
  private readonly seen = new Map<Phase, Seen>()
  private refused = 0
  private errors: readonly string[] = []

  constructor(load: Load, protocol: string) {
    this.load = load
    this.protocol = protocol
    load.onReport = (report) => this.note(report)
  }

  private note(report: Report): void {
    if (report.event !== 'second') return
    this.refused = report.refused
    this.errors = report.errors ?? []
    if (this.phase === null) return
    const seen = this.seen.get(this.phase) ?? { seconds: 0, answeredMs: [], deliveredMs: [] }
    this.seen.set(this.phase, seen)
    seen.seconds++
    for (const us of report.answeredUs ?? []) seen.answeredMs.push(us / 1000)
    for (const us of report.deliveredUs ?? []) seen.deliveredMs.push(us / 1000)
  }

  /** What is measured from now on belongs to this phase; null: to none. */
  mark(phase: Phase | null): void {
    this.phase = phase
  }

  answered(phase: Phase): Latency {
    const { answeredMs, seconds } = this.seen.get(phase) ?? { answeredMs: [], seconds: 0 }
    return latencyOf(answeredMs, seconds)
  }

  delivered(phase: Phase): Latency {
    const { deliveredMs, seconds } = this.seen.get(phase) ?? { deliveredMs: [], seconds: 0 }
    return latencyOf(deliveredMs, seconds)
  }

  get failures(): string {
    return this.refused === 0 ? '' : `${this.refused} refused: ${this.errors.join('; ')}`
  }

  /** For the table: deliveries a second and their p99 and longest, in each phase. */
  get text(): string {
    const all = phases.filter((phase) => this.seen.has(phase)).map((phase) => this.delivered(phase))
    const list = (of: (latency: Latency) => number, digits: number): string =>
      all.map((latency) => of(latency).toFixed(digits)).join('/')
    return `${this.protocol} ${list((l) => l.perSecond, 0)} per s, p99 ${list((l) => l.p99Ms, 1)} ms, longest ${list((l) => l.maxMs, 0)} ms`
  }
}
