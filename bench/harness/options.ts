import path from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../../test/support/index.ts'
import { workloads, type Workload } from '../workloads/index.ts'

export interface Options {
  pairs: number
  /** How often the sides run that no goal is about. */
  beside: number
  scale: number
  quick: boolean
  list: boolean
  chosen: Workload[]
  dataFolder: string
  resultsFolder: string
  profileFolder: string | undefined
  help: boolean
  /** Result files to print again and draw, instead of a run. */
  report: string[]
}

export const usage = `npm run bench -- [FLAGS]

  --peer NAME        only beside this peer: kafka, rabbitmq, mosquitto; may be repeated
  --workload NAME    only these: a whole name, or a beginning; may be repeated
  --pairs N          how often each server runs each workload, in turn (5)
  --beside N         how often those run that no goal is about: quorum queues, ours without the sync (as often)
  --scale N          so much of the messages and the time of a full run (1)
  --quick            a small version of everything: one pair, a fiftieth of the messages, only ours and the first peer
  --list             the workloads, and what they reach for
  --data DIR         where the servers keep their data: the disk that is measured
  --results DIR      where the results go (bench/results; of another scale, the cache)
  --profile DIR      only our server, and leave profiles of its processor time there
  --report FILE      print and draw results again; may be repeated, they are joined`

export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      peer: { type: 'string', multiple: true },
      workload: { type: 'string', multiple: true },
      pairs: { type: 'string' },
      beside: { type: 'string' },
      scale: { type: 'string' },
      quick: { type: 'boolean' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      data: { type: 'string' },
      results: { type: 'string' },
      profile: { type: 'string' },
      report: { type: 'string', multiple: true },
    },
  })
  const quick = values.quick === true
  const scale = positive('scale', values.scale ?? (quick ? '0.02' : '1'))
  // What is not the whole size, or is watched by a profiler, is no result to keep beside the others.
  const resultsFolder =
    scale === 1 && values.profile === undefined ? 'bench/results' : 'node_modules/.cache/bench-results'
  const pairs = positive('pairs', values.pairs ?? (quick ? '1' : '5'))
  return {
    quick,
    pairs,
    beside: values.beside === undefined ? pairs : positive('beside', values.beside),
    scale,
    list: values.list === true,
    help: values.help === true,
    chosen: choose(values.workload, values.peer),
    dataFolder: path.resolve(values.data ?? path.join(root, 'node_modules/.cache/bench-data')),
    resultsFolder: path.resolve(values.results ?? path.join(root, resultsFolder)),
    profileFolder: values.profile === undefined ? undefined : path.resolve(values.profile),
    report: (values.report ?? []).map((file) => path.resolve(file)),
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} ${text}: not a number above 0`)
  return value
}

function choose(names: readonly string[] | undefined, peers: readonly string[] | undefined): Workload[] {
  for (const name of names ?? []) {
    if (!workloads.some((workload) => workload.name.startsWith(name)))
      throw new Error(`no workload ${name}; see --list`)
  }
  const named = workloads.filter(
    ({ name }) => names === undefined || names.includes(name) || names.some((asked) => isBeginning(asked, name)),
  )
  if (peers === undefined) return named
  return named.filter(({ rivals }) => rivals.some((side) => peers.includes(side.split('/')[0]!)))
}

/** A beginning chooses all that start with it, unless it is the whole name of one. */
const isBeginning = (asked: string, name: string): boolean =>
  name.startsWith(asked) && !workloads.some((workload) => workload.name === asked)
