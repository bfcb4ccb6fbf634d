/**
 * `npm run overload -- [--case NAME] [--short]`: all cases, or those whose name holds NAME, in full size, and a table of
 * what was measured at the end.
 */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../support/index.ts'
import { cases } from './cases/index.ts'

const { values } = parseArgs({
  options: { case: { type: 'string', default: '' }, short: { type: 'boolean', default: false } },
})
const chosen = cases.filter(({ name }) => name.includes(values.case))
if (chosen.length === 0) {
  process.stderr.write(`no case "${values.case}"; there are: ${cases.map(({ name }) => name).join(', ')}\n`)
  process.exit(2)
}
const args = [
  '--test',
  '--test-timeout=3600000',
  `--test-reporter=${path.join(root, 'scripts/overload-table.mjs')}`,
  path.join(root, 'test/overload/overload.test.ts'),
]
const env = { ...process.env, OVERLOAD: values.short ? 'short' : 'full', OVERLOAD_CASE: values.case }
// All of them are named even in the short size: whoever calls this wants to see them.
const child = spawn(process.execPath, args, { cwd: root, env: { ...env, OVERLOAD_ALL: '1' }, stdio: 'inherit' })
child.once('exit', (code) => process.exit(code ?? 1))
