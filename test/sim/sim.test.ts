import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../support/index.ts'
import { variants } from './broken.ts'
import { regressions } from './regressions.ts'
import type { RunReport } from './run.ts'

const seeds = 1000
const timeoutMs = 560_000

async function simulated(args: readonly string[]): Promise<RunReport> {
  const script = fileURLToPath(new URL('run.ts', import.meta.url))
  const { stdout, stderr } = await run(process.execPath, [script, '--json', ...args], { timeoutMs, allowFailure: true })
  assert.match(stdout, /^\{/, stderr)
  return JSON.parse(stdout) as RunReport
}

const present = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ')

test('the whole broker keeps every promise, whatever happens to its disk, clock, net and clients', async (t) => {
  const report = await simulated(['--seeds', String(seeds), '--workers', '2'])
  t.diagnostic(`${report.seeds} seeds, ${report.seedsPerSecond} a second: ${present(report.totals)}`)
  t.diagnostic(`faults: ${present(report.faults)}`)
  const [failure] = report.failures
  const again = `again: npm run sim -- --seed ${failure?.seed}`
  assert.equal(failure, undefined, `${report.failures.length} seeds failed; ${again}\n${failure?.error}`)
  assert.equal(report.seeds, seeds)
})

test('seeds that once failed keep every promise', async () => {
  const waiting = [...regressions]
  const lane = async (): Promise<void> => {
    for (let one; (one = waiting.shift()) !== undefined;) {
      const { failures } = await simulated(['--seed', String(one.seed), ...(one.long ? ['--long'] : [])])
      assert.deepEqual(failures, [])
    }
  }
  await Promise.all([lane(), lane()])
})

test('the same seed is the same run, to the last event', async () => {
  const [first, second] = await Promise.all([simulated(['--seeds', '3']), simulated(['--seeds', '3'])])
  assert.deepEqual(first.failures, [])
  assert.equal(first.digests.length, 3)
  assert.deepEqual(first.digests, second.digests)
})

for (const variant of Object.keys(variants)) {
  test(`the auditor catches a broker that is broken on purpose: ${variant}`, async (t) => {
    const args = ['--variant', variant, '--seeds', '40', '--workers', '2', '--seconds', '60', '--first']
    const { failures, seeds } = await simulated(args)
    const [failure] = failures
    assert.ok(failure !== undefined, `nothing was found in ${seeds} seeds`)
    // Bytes that nobody wrote may be no records at all.
    assert.match(failure.error, /Violation|MalformedError/)
    t.diagnostic(failure.error.split('\n')[0]!)
  })
}
