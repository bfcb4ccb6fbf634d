import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { root, run } from '../support/index.ts'
import { codecs } from './codecs/index.ts'
import { tryInput, type Result } from './engine.ts'

const inputs = process.env.FUZZ_INPUTS ?? '8000'

const folder = path.join(root, 'test/fuzz/regressions')
for (const name of readdirSync(folder)) {
  const codec = codecs.find((each) => `${each.name}.hex` === name)
  assert.ok(codec !== undefined, `no codec for ${name}`)
  const lines = readFileSync(path.join(folder, name), 'latin1').trim().split('\n')
  let why = ''
  for (const line of lines) {
    if (line.startsWith('#')) {
      why = line.slice(2)
      continue
    }
    test(`${codec.name}: ${why}`, async () => {
      const input = Buffer.from(line, 'hex')
      for (const given of [input, codec.mend?.(Buffer.from(input)) ?? input]) {
        const { error } = await tryInput(codec, given)
        if (error !== null) throw error
      }
    })
  }
}

test(`every codec takes or refuses ${inputs} inputs, made up, changed and random`, { timeout: 240_000 }, async (t) => {
  // A process of its own: the test runner follows every promise, and errors are made without their stacks there.
  const script = path.join(root, 'test/fuzz/run.ts')
  const flags = ['--inputs', inputs, '--plain', '--json', '--seed', process.env.FUZZ_SEED ?? '1']
  const { stdout, stderr } = await run(process.execPath, [script, ...flags], { timeoutMs: 230_000, allowFailure: true })
  assert.match(stdout, /^\[/, stderr)
  const results = JSON.parse(stdout) as Result[]
  const total = results.reduce((sum, result) => sum + result.inputs, 0)
  const slowest = results.toSorted((a, b) => b.slowestMs - a.slowestMs)[0]!
  t.diagnostic(
    `${total} inputs to ${results.length} codecs, the slowest took ${slowest.slowestMs} ms (${slowest.codec})`,
  )
  for (const { codec, taken } of results) assert.ok(taken > 0, `${codec}: nothing was taken, so nothing is tested`)
  const [finding] = results.flatMap(({ findings }) => findings)
  assert.equal(
    finding,
    undefined,
    `${finding?.error}\nnpm run fuzz -- --codec ${finding?.codec} --input ${finding?.hex}`,
  )
})
