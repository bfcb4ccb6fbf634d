/** npm run bench: the same tools against this broker and its peers, in turn. docs/performance.md says how to read it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { commitOfProject, describeMachine } from './harness/machine.ts'
import { readOptions, usage, type Options } from './harness/options.ts'
import { runPairs } from './harness/pairs.ts'
import { killBelow } from './measure/process-tree.ts'
import { peers } from './peers/index.ts'
import { growthChart } from './report/growth-chart.ts'
import { hotLines, hottest, type CpuProfile } from './report/profile.ts'
import { ratioChart } from './report/ratio-chart.ts'
import { stored, type Results } from './report/results.ts'
import { tableOf } from './report/table.ts'
import { installTools } from './tools/index.ts'
import { ours, sidesOf, type Goal, type Side, type Workload } from './workloads/index.ts'

function list(chosen: readonly Workload[]): void {
  const said = ({ against, atLeast, atMost }: Goal): string =>
    `${atLeast === undefined ? `<= ${atMost}` : `>= ${atLeast}`}${against === undefined ? '' : ` x ${against}`}`
  for (const workload of chosen) {
    console.log(`${workload.name.padEnd(32)} ${workload.title}`)
    for (const { name, targets = [] } of workload.points) {
      if (targets.length > 0) console.log(`${' '.repeat(34)}${name}: ${targets.map(said).join(', ')}`)
    }
  }
}

interface Installed {
  versions: Record<string, string>
  missing: Map<string, string>
}

async function install(chosen: readonly Workload[], sides: readonly Side[]): Promise<Installed> {
  const versions: Record<string, string> = {}
  const missing = new Map<string, string>()
  for (const name of new Set(sides.map((side) => side.split('/')[0]!))) {
    try {
      versions[name] = await peers[name]!.install()
    } catch (error) {
      missing.set(name, (error as Error).message)
      console.error(`${name} cannot run here: ${(error as Error).message}`)
    }
  }
  for (const protocol of new Set(chosen.map((workload) => workload.protocol))) await installTools(protocol)
  return { versions, missing }
}

/** For a profile only ours; in a quick run also the first of the others, which is the one that the goals are about. */
function sidesIn(workload: Workload, { quick, profileFolder }: Options): Side[] {
  if (profileFolder !== undefined) return [ours]
  return quick ? [ours, ...workload.rivals.slice(0, 1)] : sidesOf(workload)
}

async function run(options: Options): Promise<Results> {
  const { chosen, pairs, beside, scale, dataFolder, profileFolder } = options
  const chosenSides = [...new Set(chosen.flatMap((workload) => sidesIn(workload, options)))]
  const { versions, missing } = await install(chosen, chosenSides)
  mkdirSync(dataFolder, { recursive: true })
  const sides = chosenSides.map((side) => {
    const [name, way] = side.split('/')
    return { side, peer: peers[name!]!, way: way! }
  })
  const results: Results = {
    date: new Date().toISOString().slice(0, 10),
    commit: commitOfProject(),
    flags: process.argv.slice(2).filter((flag) => !flag.includes('/')),
    machine: describeMachine(dataFolder),
    versions,
    durability: Object.fromEntries(sides.map(({ side, peer, way }) => [side, peer.variants[way]!.durability])),
    settings: Object.fromEntries(sides.map(({ peer }) => [peer.name, peer.settings])),
    workloads: [],
  }
  process.once('exit', () => rmSync(dataFolder, { recursive: true, force: true }))
  for (const workload of chosen) {
    console.log(`${workload.name}: ${workload.title}`)
    const say = (line: string): void => console.log(line)
    const how = { sides: sidesIn(workload, options), pairs, beside, scale, dataFolder, profileFolder, missing, say }
    results.workloads.push(stored(await runPairs(workload, how), scale, results))
    save(results, options)
  }
  return results
}

/** A file for each group of workloads and day. What a later run of that day does not measure again stays in it. */
function save(results: Results, { resultsFolder }: Options): void {
  mkdirSync(resultsFolder, { recursive: true })
  const names = new Set(results.workloads.map(({ name }) => name))
  for (const group of new Set(results.workloads.map((workload) => workload.group))) {
    const file = path.join(resultsFolder, `${results.date}-${group}.json`)
    const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results).workloads : []
    const kept = before.filter(({ name }) => !names.has(name))
    const part = { ...results, workloads: [...kept, ...results.workloads.filter((each) => each.group === group)] }
    writeFileSync(file, `${JSON.stringify(part, null, 1)}\n`)
  }
}

function draw(results: Results, { resultsFolder }: Options): void {
  mkdirSync(resultsFolder, { recursive: true })
  writeFileSync(path.join(resultsFolder, 'ratios.svg'), ratioChart(results))
  const growth = growthChart(results)
  if (growth !== undefined) writeFileSync(path.join(resultsFolder, 'growth.svg'), growth)
}

const hotCount = 25

/** One for each start of our server: its event loop; the thread that commits only waits for the disk. */
function printProfiles(folder: string): void {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
    const profile = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as CpuProfile
    console.log(`\n${file}\n${hotLines(hottest(profile, hotCount)).join('\n')}`)
  }
}

function joined(files: readonly string[]): Results {
  const parts = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Results)
  const merge = (of: (part: Results) => Record<string, string>): Record<string, string> =>
    Object.assign({}, ...parts.map(of)) as Record<string, string>
  return {
    ...parts[0]!,
    versions: merge((part) => part.versions),
    durability: merge((part) => part.durability),
    settings: merge((part) => part.settings),
    // Of one that was run again the later file's.
    workloads: [...new Map(parts.flatMap((part) => part.workloads.map((each) => [each.name, each]))).values()],
  }
}

async function main(): Promise<number> {
  let options: Options
  try {
    options = readOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    return 2
  }
  if (options.help) {
    console.log(usage)
    return 0
  }
  if (options.list) {
    list(options.chosen)
    return 0
  }
  const results = options.report.length > 0 ? joined(options.report) : await run(options)
  console.log(`\n${tableOf(results)}`)
  draw(results, options)
  if (options.profileFolder !== undefined) printProfiles(options.profileFolder)
  return results.workloads.some(({ sides }) => sides.some(({ failures }) => failures.length > 0)) ? 1 : 0
}

// Nothing is left behind: no server and no tool, however this ends. A signal may come twice, from npm and a terminal.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130))
process.once('exit', () => killBelow(process.pid))

process.exitCode = await main()
