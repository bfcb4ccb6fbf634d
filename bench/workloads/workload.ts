import type { Bench } from '../harness/bench.ts'
import type { Protocol } from '../measure/ready.ts'

/** A server run in one way: `kafka/flush`. */
export type Side = `${string}/${string}`

/** What was measured at one point of one run; names end with their unit. */
export interface Sample {
  messages?: number
  perSecond?: number
  p50Ms?: number
  p99Ms?: number
  cpuSecondsPerMillion?: number
  rssPeakMb?: number
  writtenMb?: number
  /** How long something took that happens once. */
  ms?: number
  /** A size. */
  mb?: number
  kb?: number
  /** Of something to its yardstick. */
  share?: number
}

export type Field = keyof Sample

/** A figure that is compared. */
export interface Point {
  name: string
  field: Field
  better: 'higher' | 'lower'
  targets?: readonly Goal[]
}

/** Ours through theirs, or without `against` our figure itself. */
export interface Goal {
  against?: Side
  atLeast?: number
  atMost?: number
}

export interface Workload {
  name: string
  title: string
  group: 'kafka' | 'amqp' | 'mqtt' | 'general' | 'growth'
  protocol: Protocol
  /** The others; ours is always there, with a sync before every acknowledgement. */
  rivals: readonly Side[]
  /** Ours without the sync is measured too. */
  withOs?: boolean
  /** A long one: at most so many pairs. */
  pairsMax?: number
  points: readonly Point[]
  /** Of a workload that shows how cost grows: what its points count. Their names are numbers. */
  axis?: string
  run(bench: Bench): Promise<Record<string, Sample>>
}

export const ours: Side = 'dragoman/fsync'
export const oursOs: Side = 'dragoman/os'

export function sidesOf(workload: Workload): Side[] {
  return [ours, ...workload.rivals, ...(workload.withOs === true ? [oursOs] : [])]
}

/** Ours and those that its goals compare with; all of them when it has none. */
export function goalSides(workload: Workload): ReadonlySet<Side> {
  const against = workload.points.flatMap(({ targets = [] }) => targets.flatMap((goal) => goal.against ?? []))
  return new Set(against.length === 0 ? sidesOf(workload) : [ours, ...against])
}

export function higher(name: string, ...targets: readonly Goal[]): Point {
  return { name, field: 'perSecond', better: 'higher', targets }
}

export function lower(name: string, field: Field, ...targets: readonly Goal[]): Point {
  return { name, field, better: 'lower', targets }
}
