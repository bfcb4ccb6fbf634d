import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkBans } from './bans.ts'
import { checkCycles, checkFloors, isTest, type Tree, type Violation } from './imports.ts'
import { checkDocuments } from './documents.ts'
import { checkMachinePaths } from './machine.ts'
import { checkSizes, longer } from './sizes.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

function readTree(...patterns: string[]): Tree {
  const tree = new Map<string, string>()
  for (const file of globSync(patterns, { cwd: root, exclude: ['**/node_modules/**'] }).sort()) {
    if (!statSync(path.join(root, file)).isFile()) continue
    tree.set(file.split(path.sep).join('/'), readFileSync(path.join(root, file), 'utf8'))
  }
  return tree
}

function none(violations: Violation[]): void {
  assert.equal(violations.map(({ file, rule, why }) => `${file}: ${rule}: ${why}`).join('\n'), '')
}

const source = readTree('src/**/*.ts')
const code = readTree('src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'scripts/*.mjs')

test('imports point only down, siblings never meet, rooms are entered by their index.ts', () => {
  none(checkFloors(source))
})

test('no import cycle, type imports counted', () => {
  none(checkCycles(new Map([...source].filter(([file]) => !isTest(file)))))
})

test('clock, timers, chance, disk and net are real only in src/world/node', () => {
  none(checkBans(source))
})

test('a file fits one sitting', () => {
  none(checkSizes(code))
})

test('the size ratchet only shrinks: no exception for a file that is gone or short enough', () => {
  for (const [file, lines] of Object.entries(longer)) {
    const text = code.get(file)
    assert.ok(text !== undefined, `${file} is gone: take it out of the list`)
    assert.equal(text.split('\n').length - 1, lines, `${file} has another length now: put it in the list`)
  }
})

test('nothing names a folder of one machine', () => {
  none(checkMachinePaths(readTree('*.md', '*.json', '*.mjs', 'docs/**', 'src/**/*', 'test/**/*.*', 'scripts/*')))
})

test('the documents name only what is there', () => {
  none(checkDocuments(readTree('*.md', 'docs/**/*.md', 'src/**/*.md'), (file) => existsSync(path.join(root, file))))
})

test('every protocol has a door, a README and a reference page', () => {
  const folders = new Set([...source.keys()].flatMap((file) => /^src\/protocols\/([^/]+)\//.exec(file)?.[1] ?? []))
  const files = new Set(
    globSync(['src/protocols/*/*', 'docs/protocols/*'], { cwd: root }).map((file) => file.split(path.sep).join('/')),
  )
  for (const folder of folders) {
    for (const file of [
      `src/protocols/${folder}/index.ts`,
      `src/protocols/${folder}/README.md`,
      `docs/protocols/${folder}.md`,
    ]) {
      assert.ok(files.has(file), `${file} is missing`)
    }
  }
})
