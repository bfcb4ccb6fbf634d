/**
 * Runs simulated lives in this process and prints a report as JSON: `node test/sim/run.ts [--seeds N] [--seed FIRST]
 * [--variant hasty]`. A process of its own, because the test runner follows every promise and makes this ten times slower.
 */
import { parseArgs } from 'node:util'
import type { Store } from '../../src/log/index.ts'
import { DiskBacking } from './disk-backing.ts'
import { simulate } from './simulate.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string' }, seed: { type: 'string' }, variant: { type: 'string' } },
})
const first = Number(values.seed ?? 1)
const count = Number(values.seeds ?? 1)

/** Stores that are broken on purpose, to see that the auditor notices. */
const variants: Record<string, (store: Store) => Store> = {
  sound: (store) => store,
  /** Calls a commit durable before it is sealed. */
  hasty: (store) =>
    new Proxy(store, {
      get(target, name) {
        if (name === 'durable' || name === 'written') return target.staging
        const member: unknown = Reflect.get(target, name)
        return typeof member === 'function' ? (member.bind(target) as unknown) : member
      },
    }),
}
const view = variants[values.variant ?? 'sound']
if (view === undefined) throw new Error(`no variant ${values.variant}; there are: ${Object.keys(variants).join(', ')}`)

const began = performance.now()
const totals: Record<string, number> = {}
const add = (counts: Readonly<Record<string, number>>): void => {
  for (const [name, n] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + n
}
const failures: { seed: number; error: string }[] = []
for (let seed = first; seed < first + count; seed++) {
  try {
    const { lives, counts, faults } = await simulate(seed, (time, random) => new DiskBacking(time, random, view))
    add({ lives, ...counts, ...faults })
  } catch (error) {
    failures.push({ seed, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}
const seedsPerSecond = Number((count / ((performance.now() - began) / 1000)).toFixed(1))
console.log(JSON.stringify({ seeds: count, seedsPerSecond, totals, failures }))
process.exitCode = failures.length === 0 ? 0 : 1
