/** From the runs to the table and the charts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { growthChart } from '../../bench/report/growth-chart.ts'
import { hotLines, hottest } from '../../bench/report/profile.ts'
import { advantage, ratioChart } from '../../bench/report/ratio-chart.ts'
import { rowsOf, stored, type Measured, type Results, type StoredWorkload } from '../../bench/report/results.ts'
import { tableOf } from '../../bench/report/table.ts'
import type { Sample, Workload } from '../../bench/workloads/index.ts'

const base: Pick<Workload, 'protocol' | 'rivals' | 'run'> = {
  protocol: 'kafka',
  rivals: ['kafka/shipped'],
  run: () => Promise.reject(new Error('not here')),
}

const measured: Measured = {
  date: '2026-01-02',
  commit: 'abc1234',
  flags: ['--pairs', '3'],
  machine: { processor: 'P', cores: 2 },
}

function result(workload: Workload, ours: Record<string, Sample>[], theirs: Record<string, Sample>[]): StoredWorkload {
  const sides = [
    { side: 'dragoman/fsync', runs: ours, failures: [] },
    { side: 'kafka/shipped', runs: theirs, failures: theirs.length === 0 ? ['java: not installed', 'again'] : [] },
  ] as const
  const withFailures = [...sides].map((side) => ({ ...side, failures: [...side.failures] }))
  return stored({ workload, sides: withFailures, commands: ['tool'] }, 0.5, measured)
}

const produce: Workload = {
  ...base,
  name: 'produce',
  title: 'Produce',
  group: 'kafka',
  points: [
    {
      name: 'produce',
      field: 'perSecond',
      better: 'higher',
      targets: [{ against: 'kafka/shipped', atLeast: 1.5 }],
    },
    { name: 'latency', field: 'p99Ms', better: 'lower', targets: [{ against: 'kafka/shipped', atMost: 1 }] },
    { name: 'ready', field: 'ms', better: 'lower', targets: [{ atMost: 300 }] },
  ],
}

const run = (perSecond: number, p99Ms: number, ms: number): Record<string, Sample> => ({
  produce: { perSecond, cpuSecondsPerMillion: 2, rssPeakMb: 123.456 },
  latency: { p99Ms },
  ready: { ms },
})

const growth: Workload = {
  ...base,
  name: 'growth-queues',
  title: 'AMQP <through>',
  group: 'growth',
  axis: 'queues',
  points: ['1', '10', '100'].map((name) => ({ name, field: 'perSecond', better: 'higher' })),
}

const growthRun = (first: number): Record<string, Sample> =>
  Object.fromEntries(['1', '10', '100'].map((name) => [name, { perSecond: first, cpuSecondsPerMillion: 5 }]))

const results = (workloads: StoredWorkload[]): Results => ({
  ...measured,
  versions: { dragoman: '0.1.0', kafka: '4.4.0' },
  durability: { 'kafka/shipped': 'the operating system has it' },
  settings: { kafka: 'as shipped' },
  workloads,
})

const whole = (): StoredWorkload =>
  result(
    produce,
    [run(2000, 10, 250), run(200, 10, 250), run(2000, 10, 250)],
    [run(1000, 20, 6000), run(100, 5, 6000), run(1000, 20, 6000)],
  )

test('rows: medians, paired ratios and what was wanted', () => {
  const rows = rowsOf(whole())
  const kafka = rows.filter(({ side }) => side === 'kafka/shipped')
  assert.deepEqual(kafka[0]!.ratio, { median: 2, min: 2, max: 2, count: 3 })
  assert.deepEqual(kafka[0]!.value, { median: 1000, min: 100, max: 1000, count: 3 })
  assert.deepEqual(
    rows.flatMap((row) => row.verdicts.map(({ value, met }) => [row.point.name, value, met])),
    [
      ['produce', 2, true],
      ['latency', 0.5, true],
      ['ready', 250, true],
    ],
  )
})

test('what is not reached is said', () => {
  const missed = result(produce, [run(100, 20, 400)], [run(100, 10, 1)])
  const said = tableOf(results([missed]))
  assert.match(said, /^- MISSED: produce, produce: 1 x kafka\/shipped, wanted at least 1\.5 x$/m)
  assert.match(said, /^- MISSED: produce, latency: 2 x kafka\/shipped, wanted at most 1 x$/m)
  assert.match(said, /^- MISSED: produce, ready: 400 ms, wanted at most 300 ms$/m)
})

test('the table: one line for each side, aligned, with all that stands beside the rate', () => {
  const lines = tableOf(results([whole()])).split('\n')
  const line = lines.find((text) => text.includes('produce: kafka/shipped'))!
  const cells = line.split('|').map((cell) => cell.trim())
  assert.deepEqual(cells, ['', 'produce: kafka/shipped', '3', '1,000/s', '100 to 1,000', '2 x', '', '', '2', '124', ''])
  const widths = new Set(lines.filter((text) => text.startsWith('|')).map((text) => text.length))
  assert.equal(widths.size, 1)
  assert.ok(lines.includes('- met: produce, produce: 2 x kafka/shipped, wanted at least 1.5 x'))
})

test('the table says of each workload which run it is of, unless it is the last one', () => {
  const earlier = { ...measured, commit: 'def5678', flags: ['--scale', '0.2'] }
  const said = tableOf(results([whole(), { ...whole(), measured: earlier }]))
  assert.equal(said.match(/commit abc1234, flags: --pairs 3/g)!.length, 1)
  assert.match(said, /^Measured 2026-01-02, commit def5678, flags: --scale 0\.2 {2}\nMachine: processor P, cores 2$/m)
})

test('a peer that did not run is named with the reason, and its ratio is missing', () => {
  const alone = result(produce, [run(100, 20, 200)], [])
  assert.equal(
    rowsOf(alone).some(({ ratio }) => ratio !== undefined),
    false,
  )
  assert.match(tableOf(results([alone])), /^kafka\/shipped did not run: java: not installed$/m)
})

test('in the chart, to the right is better for us, also where less is better', () => {
  const rows = rowsOf(whole())
  assert.equal(
    advantage(rows.find(({ point, side }) => point.name === 'latency' && side === 'kafka/shipped')!)!.median,
    2,
  )
  const svg = ratioChart(results([whole()]))
  assert.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 900 \d+"/)
  assert.match(svg, /produce, latency: kafka\/shipped/)
  assert.equal(svg.match(/<rect/g)!.length, 1 + 3)
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/)
})

test('growth: a line for each side and figure; equal figures make a flat line', () => {
  const svg = growthChart(results([whole(), result(growth, [growthRun(1000)], [growthRun(500)])]))!
  assert.equal(svg.match(/<polyline/g)!.length, 4)
  assert.match(svg, /AMQP &lt;through&gt;, by queues/)
  const [, points] = /points="([^"]+)"/.exec(svg)!
  const heights = points!.split(' ').map((place) => place.split(',')[1])
  assert.equal(new Set(heights).size, 1)
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/)
  assert.equal(growthChart(results([whole()])), undefined)
})

test('a profile: the time of each function itself, without idle time', () => {
  const frame = (functionName: string, url = ''): { functionName: string; url: string; lineNumber: number } => ({
    functionName,
    url,
    lineNumber: 9,
  })
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('encode', 'file:///somewhere/wire.js') },
      { id: 3, callFrame: frame('') },
      { id: 4, callFrame: frame('encode', 'file:///somewhere/wire.js') },
    ],
    samples: [1, 2, 3, 4, 1],
    timeDeltas: [5000, 1000, 1000, 2000, 9000],
  }
  const hot = hottest(profile, 5)
  assert.deepEqual(hot, [
    { name: 'encode wire.js:10', ms: 3, share: 0.75 },
    { name: '(anonymous)', ms: 1, share: 0.25 },
  ])
  assert.match(hotLines(hot)[0]!, /75\.0 % +3 ms {2}encode/)
})
