/** `npm run kill -- --kills N [--seed S]`: as many kills in a row as asked, by the moments that the seed gives. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../support/index.ts'

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '200' }, seed: { type: 'string' } },
})
for (const [name, text] of Object.entries(values)) {
  if (/^\d+$/.test(text)) continue
  process.stderr.write(`--${name} takes a whole number, not "${text}"\n`)
  process.exit(2)
}
const args = [
  '--test',
  '--test-timeout=86400000',
  `--test-reporter=${path.join(root, 'scripts/reporter.mjs')}`,
  path.join(root, 'test/crash/kill.test.ts'),
]
const seed = values.seed === undefined ? {} : { TEST_SEED: values.seed }
const env = { ...process.env, TEST_KILLS: values.kills, ...seed }
const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' })
child.once('exit', (code) => process.exit(code ?? 1))
