import { short, unitOf, withUnit } from './format.ts'
import { rowsOf, type Measured, type Results, type Row, type StoredWorkload, type Verdict } from './results.ts'

/** The results as Markdown, which reads well in a terminal too. */
export function tableOf(results: Results): string {
  const { versions } = results
  const head = [
    `Benchmark of ${measuredOf(results)}`,
    `Versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    ...Object.entries(results.settings).map(([name, text]) => `Settings of ${name}: ${text}`),
    ...Object.entries(results.durability).map(([side, text]) => `${side}: ${text}`),
  ]
  const tables = results.workloads.map((workload) => workloadTable(workload, results))
  return [head.join('  \n'), ...tables, goals(results)].join('\n\n')
}

const measuredOf = ({ date, commit, flags, machine }: Measured): string => {
  const facts = Object.entries(machine).map(([name, value]) => `${name} ${value}`)
  return `${date}, commit ${commit}, flags: ${flags.join(' ') || 'none'}  \nMachine: ${facts.join(', ')}`
}

const ofFull = ({ scale }: StoredWorkload): string => (scale === 1 ? '' : `, ${scale} of its full size`)

const columns = ['', 'runs', 'median', 'min to max', 'ours / theirs', 'p50 ms', 'p99 ms', 'CPU s/M', 'peak MB']

function workloadTable(workload: StoredWorkload, last: Measured): string {
  const rows = rowsOf(workload)
  const lines = [columns, columns.map((_, index) => (index === 0 ? '---' : '---:')), ...rows.map(cells)]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]!.length)))
  const table = lines.map((line) => {
    const padded = line.map((cell, index) =>
      index === 0 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!),
    )
    return `| ${padded.join(' | ')} |`
  })
  const failures = workload.sides.flatMap(({ side, failures }) =>
    failures.map((why) => `${side} did not run: ${why.split('\n')[0]}`),
  )
  const title = `### ${workload.title} (${workload.name}${ofFull(workload)})`
  return [title, ...ofAnotherRun(workload, last), '', ...table, ...failures.map((line) => `\n${line}`)].join('\n')
}

/** What the head does not say: a file gathers the runs of a day. */
function ofAnotherRun({ measured }: StoredWorkload, last: Measured): string[] {
  if (measured === undefined || measuredOf(measured) === measuredOf(last)) return []
  return ['', `Measured ${measuredOf(measured)}`]
}

const optional = (value: number | undefined): string => (value === undefined ? '' : short(value))

function cells(row: Row): string[] {
  const { point, side, value, ratio } = row
  return [
    `${point.name}: ${side}`,
    String(value.count),
    withUnit(value.median, point.field),
    value.count === 1 ? '' : `${short(value.min)} to ${short(value.max)}`,
    ratio === undefined ? '' : `${short(ratio.median)} x`,
    ...[row.p50Ms, row.p99Ms, row.cpuSecondsPerMillion, row.rssPeakMb].map(optional),
  ]
}

function goals(results: Results): string {
  const lines = results.workloads
    .flatMap(rowsOf)
    .flatMap((row) => row.verdicts.map((verdict) => goalLine(row, verdict)))
  return ['### Goals', '', ...lines].join('\n')
}

function goalLine({ workload, point, side }: Row, { goal, value, met }: Verdict): string {
  const wanted = goal.atLeast === undefined ? `at most ${goal.atMost}` : `at least ${goal.atLeast}`
  const said =
    goal.against === undefined
      ? `${withUnit(value, point.field)}, wanted ${wanted} ${unitOf(point.field)}`
      : `${short(value)} x ${side}, wanted ${wanted} x`
  return `- ${met ? 'met' : 'MISSED'}: ${workload.name}, ${point.name}: ${said}`
}
