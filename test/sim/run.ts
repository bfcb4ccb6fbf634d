/**
 * Simulated runs of the whole broker: `npm run sim -- [--seeds N] [--seed FIRST] [--workers N] [--long] [--variant NAME] [--trace]`.
 * `--seed S` alone plays one seed again and `--trace` tells all of it. Workers are processes; each takes every n-th seed.
 * Not in the process of the test runner, which follows every promise and makes this ten times slower.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { breakProduct } from './broken.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '1' },
    variant: { type: 'string' },
    step: { type: 'string', default: '1' },
    /** Ends after so many seconds even if seeds are left. */
    seconds: { type: 'string', default: 'Infinity' },
    /** Longer lives, and more of them: another run than the short one of the same seed. */
    long: { type: 'boolean', default: false },
    /** Stops at the first seed that fails. */
    first: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const first = Number(values.seed)
const count = Number(values.seeds)
const workers = Math.min(Number(values.workers), count)

export interface RunReport {
  seeds: number
  seedsPerSecond: number
  simulatedSeconds: number
  /** Of the processor, all workers together. */
  processorSeconds: number
  totals: Record<string, number>
  faults: Record<string, number>
  failures: { seed: number; error: string }[]
  /** Of the traces of all seeds, in their order. */
  digests: string[]
}

function emptyReport(): RunReport {
  return {
    seeds: 0,
    seedsPerSecond: 0,
    simulatedSeconds: 0,
    processorSeconds: 0,
    totals: {},
    faults: {},
    failures: [],
    digests: [],
  }
}

function addCounts(into: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, n] of Object.entries(counts)) into[name] = (into[name] ?? 0) + n
}

async function here(): Promise<RunReport> {
  if (values.variant !== undefined) breakProduct(values.variant)
  const { simulate } = await import('./simulate.ts')
  const report = emptyReport()
  const until = performance.now() + Number(values.seconds) * 1000
  for (let seed = first; seed < first + count && performance.now() < until; seed += Number(values.step)) {
    report.seeds++
    try {
      const tell = (line: string): void => console.log(line)
      const options = { long: values.long, ...(values.trace ? { tell } : {}) }
      const { lives, simulatedMs, counts, faults, digest } = await simulate(seed, options)
      addCounts(report.totals, { lives, ...counts })
      addCounts(report.faults, faults)
      report.simulatedSeconds += simulatedMs / 1000
      report.digests.push(digest)
    } catch (error) {
      report.failures.push({ seed, error: error instanceof Error ? error.message : String(error) })
      if (values.first) break
    }
  }
  report.processorSeconds = process.cpuUsage().user / 1e6
  return report
}

/** One worker's share, in a process of its own. */
function there(worker: number): Promise<RunReport> {
  const share = ['--seed', String(first + worker), '--seeds', String(count - worker), '--step', String(workers)]
  const variant = values.variant === undefined ? [] : ['--variant', values.variant]
  const flags = (['first', 'long'] as const).filter((flag) => values[flag]).map((flag) => `--${flag}`)
  const more = ['--seconds', values.seconds, ...flags, ...variant, '--json']
  const args = [...process.execArgv, fileURLToPath(import.meta.url), ...share, ...more]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => {
      if (output.startsWith('{')) resolve(JSON.parse(output) as RunReport)
      else reject(new Error(`worker ${worker} ended without a report`))
    })
  })
}

function merge(reports: readonly RunReport[]): RunReport {
  const merged = emptyReport()
  for (const report of reports) {
    merged.seeds += report.seeds
    merged.simulatedSeconds += report.simulatedSeconds
    merged.processorSeconds += report.processorSeconds
    addCounts(merged.totals, report.totals)
    addCounts(merged.faults, report.faults)
    merged.failures.push(...report.failures)
    merged.digests.push(...report.digests)
  }
  merged.failures.sort((a, b) => a.seed - b.seed)
  return merged
}

const began = performance.now()
const report =
  workers > 1 ? merge(await Promise.all(Array.from({ length: workers }, (_, i) => there(i)))) : await here()
report.seedsPerSecond = Number((report.seeds / ((performance.now() - began) / 1000)).toFixed(2))
report.simulatedSeconds = Math.round(report.simulatedSeconds)
report.processorSeconds = Math.round(report.processorSeconds)

if (values.json) {
  console.log(JSON.stringify(report))
} else {
  for (const { error } of report.failures) console.log(`${error}\n`)
  const list = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .map(([name, n]) => `${name} ${n}`)
      .join(', ')
  console.log(
    `${report.seeds} seeds, ${report.seedsPerSecond} a second; ${report.simulatedSeconds} s simulated in ${report.processorSeconds} s of processor`,
  )
  console.log(`did: ${list(report.totals)}`)
  console.log(`faults: ${list(report.faults)}`)
  const failed = report.failures.map(({ seed }) => seed)
  console.log(failed.length === 0 ? 'every promise was kept' : `${failed.length} failed: ${failed.join(' ')}`)
}
process.exitCode = report.failures.length === 0 ? 0 : 1
