import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBans } from './bans.ts'
import { checkCycles, checkFloors, type Tree, type Violation } from './imports.ts'
import { checkDocuments } from './documents.ts'
import { checkMachinePaths } from './machine.ts'
import { checkSizes } from './sizes.ts'

/** The test of the tests: each rule catches a bad tree, and leaves a good one alone. */
function caught(check: (tree: Tree) => Violation[], files: Record<string, string>, why: RegExp): void {
  const [violation, ...more] = check(new Map(Object.entries(files)))
  assert.match(violation?.why ?? 'nothing was caught', why)
  assert.deepEqual(more, [])
}

function fine(check: (tree: Tree) => Violation[], files: Record<string, string>): void {
  assert.deepEqual(check(new Map(Object.entries(files))), [])
}

test('an import upwards is caught, a type import too', () => {
  caught(checkFloors, { 'src/log/a.ts': `import { x } from '../core/index.ts'` }, /only down/)
  caught(checkFloors, { 'src/log/a.ts': `import type { X } from '../core/index.ts'` }, /only down/)
  caught(checkFloors, { 'src/log/a.ts': `export type { X } from '../core/index.ts'` }, /only down/)
  caught(checkFloors, { 'src/log/a.ts': `const x = await import('../core/index.ts')` }, /only down/)
  fine(checkFloors, { 'src/core/a.ts': `import { x } from '../log/index.ts'` })
})

test('siblings that meet are caught', () => {
  caught(checkFloors, { 'src/protocols/kafka/a.ts': `import '../mqtt/index.ts'` }, /siblings/)
  caught(checkFloors, { 'src/protocols/kafka/a.ts': `import '../../admin/index.ts'` }, /siblings/)
  fine(checkFloors, { 'src/protocols/kafka/a.ts': `import './wire/b.ts'` })
})

test('a room entered by a window is caught', () => {
  caught(checkFloors, { 'src/server/a.ts': `import '../core/router.ts'` }, /by src\/core\/index\.ts/)
})

test('the real world chosen below the top is caught', () => {
  caught(checkFloors, { 'src/server/a.ts': `import '../world/node/index.ts'` }, /choose the real world/)
  fine(checkFloors, { 'src/server/a.test.ts': `import '../world/node/index.ts'` })
  fine(checkFloors, { 'src/compose.ts': `import './world/node/index.ts'` })
})

test('a cycle is caught, a type-only one too', () => {
  caught(
    checkCycles,
    { 'src/a.ts': `import './b.ts'`, 'src/b.ts': `import type { A } from './a.ts'` },
    /a\.ts -> src\/b\.ts -> src\/a/,
  )
  fine(checkCycles, { 'src/a.ts': `import './b.ts'\nimport './c.ts'`, 'src/b.ts': `import './c.ts'`, 'src/c.ts': '' })
})

test('the real clock, timers, chance, disk and net are caught', () => {
  const bad = ['Date.now()', 'new Date()', 'setTimeout(run, 1)', 'Math.random()', 'performance.now()', 'console.log(1)']
  for (const text of bad) caught(checkBans, { 'src/core/a.ts': text }, /./)
  for (const name of ['fs', 'net', 'fs/promises', 'worker_threads', 'timers']) {
    caught(checkBans, { 'src/log/a.ts': `import 'node:${name}'` }, /src\/world\/node/)
  }
  fine(checkBans, { 'src/world/node/a.ts': `import 'node:fs'\nDate.now()` })
  fine(checkBans, { 'src/core/a.ts': `// not Date.now: it jumps\nimport 'node:zlib'` })
})

test('a rule that is switched off without a reason is caught', () => {
  caught(checkBans, { 'src/core/a.ts': '// eslint-disable-next-line eqeqeq' }, /reason/)
  fine(checkBans, { 'src/core/a.ts': '// eslint-disable-next-line eqeqeq -- null and undefined are one here' })
})

test('a file that is too long is caught', () => {
  caught(checkSizes, { 'src/core/a.ts': '\n'.repeat(501) }, /501 lines, at most 500/)
  fine(checkSizes, { 'src/core/a.ts': '\n'.repeat(500), 'src/protocols/kafka/tables/b.ts': '\n'.repeat(900) })
})

test('a path of one machine is caught', () => {
  caught(checkMachinePaths, { 'docs/a.md': `see ${['', 'root', 'thing'].join('/')}` }, /one machine/)
  fine(checkMachinePaths, { 'docs/a.md': 'see https://example.com/work/thing and docs/work/x' })
})

test('a document that names what is gone is caught', () => {
  const check = (text: string): string[] =>
    checkDocuments(new Map([['docs/a.md', text]]), (file) => file === 'src/core/b.ts').map(({ why }) => why)
  assert.deepEqual(check('see `src/core/b.ts`, [this](../src/core/b.ts#part) and [that](https://example.com)'), [])
  assert.deepEqual(check('see `src/core/c.ts`'), ['there is no src/core/c.ts'])
  assert.deepEqual(check('see [this](c.md)'), ['there is no docs/c.md'])
})
