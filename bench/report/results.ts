/** What is written to `bench/results/*.json`: everything that the table and the charts are made of. */
import { pairedRatio, spreadOf, type Spread } from '../measure/statistics.ts'
import type { SideResult, WorkloadResult } from '../harness/pairs.ts'
import { ours, type Field, type Goal, type Point, type Sample, type Side, type Workload } from '../workloads/index.ts'

/** When, of what, how and where something was measured. */
export interface Measured {
  date: string
  commit: string
  /** As typed, without the paths of this machine. */
  flags: string[]
  machine: Record<string, string | number>
}

/** A file gathers what was measured on a day: its own facts are those of the last run. */
export interface Results extends Measured {
  versions: Record<string, string>
  /** By side. */
  durability: Record<string, string>
  settings: Record<string, string>
  workloads: StoredWorkload[]
}

export interface StoredWorkload {
  name: string
  title: string
  group: Workload['group']
  axis?: string
  points: readonly Point[]
  commands: string[]
  /** So much of the messages and the time of a full run. */
  scale: number
  /** Absent in files from before it was kept. */
  measured?: Measured
  sides: SideResult[]
}

export function stored(
  { workload, sides, commands }: WorkloadResult,
  scale: number,
  { date, commit, flags, machine }: Measured,
): StoredWorkload {
  const { name, title, group, axis, points } = workload
  const what = { name, title, group, ...(axis === undefined ? {} : { axis }) }
  const measured = { date, commit, flags, machine }
  return { ...what, points, commands, scale, measured, sides: sides.map(rounded) }
}

/** Four digits are more than any of this is worth, and keep the files small. */
function rounded({ side, runs, failures }: SideResult): SideResult {
  const short = (sample: Sample): Sample =>
    Object.fromEntries(Object.entries(sample).map(([name, value]) => [name, Number((value as number).toPrecision(4))]))
  const points = (run: Record<string, Sample>): Record<string, Sample> =>
    Object.fromEntries(Object.entries(run).map(([name, sample]) => [name, short(sample)]))
  return { side, runs: runs.map(points), failures: [...new Set(failures)] }
}

export const valuesOf = (side: SideResult, point: string, field: Field): number[] =>
  side.runs.flatMap((run) => {
    const value = run[point]?.[field]
    return value === undefined || Number.isNaN(value) ? [] : [value]
  })

/** One line of the table: one side at one point. */
export interface Row {
  workload: StoredWorkload
  point: Point
  side: Side
  value: Spread
  /** Ours through this side's, pair by pair; absent for ours. */
  ratio?: Spread
  p50Ms?: number
  p99Ms?: number
  cpuSecondsPerMillion?: number
  rssPeakMb?: number
  verdicts: Verdict[]
}

export interface Verdict {
  goal: Goal
  value: number
  met: boolean
}

export function rowsOf(workload: StoredWorkload): Row[] {
  const us = workload.sides.find(({ side }) => side === ours)
  return workload.points.flatMap((point) =>
    workload.sides
      .filter((side) => valuesOf(side, point.name, point.field).length > 0)
      .map((side) => rowOf(workload, point, side, us)),
  )
}

function rowOf(workload: StoredWorkload, point: Point, side: SideResult, us: SideResult | undefined): Row {
  const values = valuesOf(side, point.name, point.field)
  const row: Row = { workload, point, side: side.side, value: spreadOf(values), verdicts: [] }
  for (const field of ['p50Ms', 'p99Ms', 'cpuSecondsPerMillion', 'rssPeakMb'] as const) {
    const beside = valuesOf(side, point.name, field)
    if (beside.length > 0) row[field] = spreadOf(beside).median
  }
  const oursHere = us === undefined ? [] : valuesOf(us, point.name, point.field)
  if (side.side !== ours && oursHere.length > 0) row.ratio = pairedRatio(oursHere, values)
  for (const goal of point.targets ?? []) {
    const value = goal.against === undefined ? row.value.median : row.ratio?.median
    const about = goal.against ?? ours
    if (about === side.side && value !== undefined) row.verdicts.push({ goal, value, met: isMet(goal, value) })
  }
  return row
}

const isMet = ({ atLeast = -Infinity, atMost = Infinity }: Goal, value: number): boolean =>
  value >= atLeast && value <= atMost
