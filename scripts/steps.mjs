// The steps of the test run, in order of cost. `lanes`: so many files at a time, where they mostly wait; two otherwise.
// Without arguments all run but those marked `apart`, which take long; one that fails does not hide the next ones.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import path from 'node:path'
import { root } from './prepare.mjs'

const bin = (name) => path.join(root, 'node_modules', name)

const steps = [
  { name: 'types', args: [bin('typescript/bin/tsc'), '-p', '.'] },
  {
    name: 'lint',
    args: [bin('eslint/bin/eslint.js'), '--max-warnings=0', '--cache', '--cache-location', bin('.cache/eslint'), '.'],
  },
  { name: 'format', args: [bin('prettier/bin/prettier.cjs'), '--check', '--log-level=warn', '.'] },
  { name: 'spelling', args: [bin('cspell/bin.mjs'), 'lint', '--no-progress', '--no-summary', '--gitignore', '.'] },
  { name: 'tidy', tests: ['test/tidy/**/*.test.ts'] },
  { name: 'unit', tests: ['src/**/*.test.ts'], lanes: 4 },
  { name: 'contract', tests: ['test/contract/**/*.test.ts'] },
  { name: 'toolchain', tests: ['test/support/**/*.test.ts'] },
  { name: 'server', tests: ['test/server/**/*.test.ts'] },
  { name: 'clients', tests: ['test/clients/**/*.test.ts'] },
  { name: 'crossing', tests: ['test/crossing/**/*.test.ts'] },
  { name: 'sim', tests: ['test/sim/**/*.test.ts'], timeoutMs: 600_000 },
  { name: 'crash', tests: ['test/crash/**/*.test.ts'] },
  { name: 'disk', tests: ['test/disk/**/*.test.ts'], lanes: 4 },
  { name: 'fuzz', tests: ['test/fuzz/**/*.test.ts'] },
  { name: 'hostile', tests: ['test/hostile/**/*.test.ts'] },
  { name: 'overload', tests: ['test/overload/**/*.test.ts'] },
  { name: 'lifecycle', tests: ['test/lifecycle/**/*.test.ts'], lanes: 4 },
  { name: 'bench', tests: ['test/bench/**/*.test.ts'] },
  { name: 'package', tests: ['test/package/**/*.test.ts'] },
  { name: 'capacity', tests: ['test/capacity/**/*.test.ts'], timeoutMs: 3_600_000, apart: true },
]

const groups = { check: ['types', 'lint', 'format', 'spelling', 'tidy'] }

const asked = process.argv.slice(2).flatMap((name) => groups[name] ?? [name])
const known = new Set(steps.map((step) => step.name))
for (const name of asked) {
  if (!known.has(name)) {
    console.error(`no step "${name}"; there are: ${[...Object.keys(groups), ...known].join(', ')}`)
    process.exit(2)
  }
}

function testArgs(step) {
  const files = step.tests.flatMap((pattern) => globSync(pattern, { cwd: root })).sort()
  if (files.length === 0) return undefined
  const reporter = path.join(root, 'scripts/reporter.mjs')
  return [
    '--test',
    `--test-concurrency=${step.lanes ?? 2}`,
    `--test-timeout=${step.timeoutMs ?? 300_000}`,
    `--test-reporter=${reporter}`,
    ...files,
  ]
}

/** What it says is shown at once, or else returned. */
function runNode(args, atOnce) {
  return new Promise((resolve) => {
    const output = []
    const stdio = ['ignore', atOnce ? 'inherit' : 'pipe', atOnce ? 'inherit' : 'pipe']
    const child = spawn(process.execPath, args, { cwd: root, stdio })
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text) => output.push(text))
    child.once('error', () => resolve({ code: 1, output }))
    child.once('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

const summary = []
let failures = 0

function note({ name }, code, began) {
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  if (code !== 0 && code !== undefined) failures++
  summary.push(`${code === undefined ? 'empty' : code === 0 ? 'ok   ' : 'FAILED'}  ${name} (${seconds} s)`)
}

async function runCheck(step) {
  const began = performance.now()
  const { code, output } = await runNode(step.args, false)
  console.log(`── ${step.name}`)
  process.stdout.write(output.join(''))
  note(step, code, began)
}

async function runTests(step) {
  console.log(`── ${step.name}`)
  const began = performance.now()
  const args = testArgs(step)
  note(step, args === undefined ? undefined : (await runNode(args, true)).code, began)
}

const chosen = steps.filter((step) => (asked.length > 0 ? asked.includes(step.name) : !step.apart))
// Checks take one processor each, so they run two at a time; tests look at the clock and have the machine alone.
const checks = chosen.filter((step) => step.args !== undefined)
const lane = async () => {
  for (let step; (step = checks.shift()) !== undefined;) await runCheck(step)
}
await Promise.all([lane(), lane()])
for (const step of chosen) if (step.tests !== undefined) await runTests(step)

console.log(`\n${summary.join('\n')}`)
console.log(failures === 0 ? 'all passed' : `${failures} of ${summary.length} steps failed`)
process.exit(failures === 0 ? 0 : 1)
