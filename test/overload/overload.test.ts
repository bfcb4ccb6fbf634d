/**
 * The broker with more to do than it can: each case in a short form, or in its full size with `OVERLOAD=full`, which is
 * what `npm run overload` does. Clients are real ones, in processes of their own.
 */
import { suite, test } from 'node:test'
import { noCompiler, toolchain } from '../support/index.ts'
import { Stage } from './case.ts'
import { cases, isShort } from './cases/index.ts'
import { loadFolder } from './scene.ts'

const compilerMissing = noCompiler()
const full = process.env.OVERLOAD === 'full'
const tool = await toolchain.go('overload', loadFolder)

const named = process.env.OVERLOAD_CASE ?? ''

// In their short form two at a time: mostly they wait.
suite('overload', { concurrency: full ? 1 : 2 }, () => {
  for (const each of cases) {
    if (named === '' ? !full && process.env.OVERLOAD_ALL !== '1' && !isShort(each) : !each.name.includes(named))
      continue
    const missing = (each.name.startsWith('slow-disk') && compilerMissing) || tool.missing
    test(each.name, { skip: missing, timeout: full ? 3_600_000 : 180_000 }, async (t) => {
      const stage = new Stage(t, tool, full)
      const row = await each.run(stage)
      t.diagnostic(stage.line(each.name, row))
    })
  }
})
