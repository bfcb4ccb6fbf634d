import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { root } from '../../test/support/index.ts'
import { goalSides, type Sample, type Side, type Workload } from '../workloads/workload.ts'
import { Bench } from './bench.ts'

export interface RunOptions {
  sides: readonly Side[]
  pairs: number
  /** Of those that no goal is about. */
  beside: number
  scale: number
  /** Where the data folders are made, one after the other. */
  dataFolder: string
  profileFolder?: string | undefined
  /** Sides that cannot run here, with the reason. */
  missing: ReadonlyMap<string, string>
  say(line: string): void
}

export interface SideResult {
  side: Side
  /** One for each run: its points by name. */
  runs: Record<string, Sample>[]
  /** Why there are fewer runs than pairs. */
  failures: string[]
}

export interface WorkloadResult {
  workload: Workload
  sides: SideResult[]
  commands: string[]
}

/** Runs all sides in turn, again and again: A B A B ..., each over a fresh folder. */
export async function runPairs(workload: Workload, options: RunOptions): Promise<WorkloadResult> {
  const commands = new Set<string>()
  const sides: SideResult[] = options.sides.map((side) => ({ side, runs: [], failures: [] }))
  const pairs = Math.min(options.pairs, workload.pairsMax ?? options.pairs)
  for (let pair = 1; pair <= pairs; pair++) {
    for (const result of sides) {
      if (pair > options.beside && !goalSides(workload).has(result.side)) continue
      const missing = options.missing.get(result.side.split('/')[0]!)
      if (missing !== undefined) {
        result.failures = [missing]
        continue
      }
      const began = performance.now()
      try {
        const { points, commands: ran } = await runOnce(workload, result.side, options)
        for (const command of ran) commands.add(command)
        result.runs.push(points)
        const seconds = ((performance.now() - began) / 1000).toFixed(0)
        options.say(`  ${pair}/${pairs} ${result.side} (${seconds} s): ${inShort(workload, points)}`)
      } catch (error) {
        const why = inOneLine((error as Error).message)
        result.failures.push(why)
        options.say(`  ${pair}/${pairs} ${result.side} FAILED: ${why}`)
      }
    }
  }
  return { workload, sides, commands: [...commands] }
}

/** Tools fail with pages of text; what matters is how it begins, what was thrown and how it ends. */
function inOneLine(message: string): string {
  const lines = message.split('\n').filter((line) => line.trim() !== '')
  const telling = /exception|error|[1-9]\d* failed/i
  const thrown = lines.filter((line) => telling.test(line) && !/^\s+at /.test(line))
  // Of a command the beginning says which, and the end how it ended.
  const first = lines[0]?.replace(/^(.{100}).+(.{60})$/, '$1 ... $2')
  const said =
    lines.length > 4 ? [first!, ...thrown.slice(0, 2), ...thrown.slice(2).slice(-1), ...lines.slice(-1)] : lines
  const withoutPaths = [...new Set(said)].map((line) => line.trim().replaceAll(root, ''))
  return withoutPaths.join(' | ')
}

async function runOnce(
  workload: Workload,
  side: Side,
  { dataFolder, scale, profileFolder }: RunOptions,
): Promise<{ points: Record<string, Sample>; commands: string[] }> {
  const folder = path.join(dataFolder, `${workload.name}-${side.replace('/', '-')}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const bench = new Bench({ workload, side, folder, scale, profileFolder })
  try {
    await bench.start()
    return { points: await workload.run(bench), commands: bench.commands }
  } finally {
    await bench.stop(profileFolder === undefined ? 'at once' : 'properly')
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

const inShort = (workload: Workload, points: Record<string, Sample>): string =>
  workload.points
    .filter(({ name }) => points[name] !== undefined)
    .map(({ name, field }) => `${name} ${Number((points[name]?.[field] ?? NaN).toPrecision(3))} ${field}`)
    .join(', ')
