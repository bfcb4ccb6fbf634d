import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../support/index.ts'

/** `TEST_SEEDS=1000 npm run test:sim` for a longer run; `TEST_SEED=17` for one of them again. */
const one = process.env['TEST_SEED']
const seeds = one === undefined ? Number(process.env['TEST_SEEDS'] ?? 40) : 1
const timeoutMs = 3_600_000

interface Report {
  seeds: number
  seedsPerSecond: number
  totals: Record<string, number>
  failures: { seed: number; error: string }[]
}

async function simulated(args: string[]): Promise<Report> {
  const script = path.join(fileURLToPath(new URL('.', import.meta.url)), 'run.ts')
  const { stdout, stderr } = await run(process.execPath, [script, ...args], { timeoutMs, allowFailure: true })
  assert.match(stdout, /^\{/, stderr)
  return JSON.parse(stdout) as Report
}

test(
  `log and core: ${seeds} simulated runs with crashes and torn writes keep every promise`,
  { timeout: timeoutMs },
  async (t) => {
    const report = await simulated(['--seed', one ?? '1', '--seeds', String(seeds)])
    t.diagnostic(`${report.seeds} seeds, ${report.seedsPerSecond} a second: ${JSON.stringify(report.totals)}`)
    const [failure] = report.failures
    assert.equal(
      failure,
      undefined,
      `${report.failures.length} seeds failed; TEST_SEED=${failure?.seed}: ${failure?.error}`,
    )
  },
)

test('the auditor catches a store that calls a commit durable before it is written', async () => {
  const { failures } = await simulated(['--seeds', '10', '--variant', 'hasty'])
  for (const { error } of failures) assert.match(error, /acked .* is lost|holds .* not|acknowledged|is missing/)
  assert.ok(failures.length >= 5, `${failures.length} of 10 seeds caught it`)
})
