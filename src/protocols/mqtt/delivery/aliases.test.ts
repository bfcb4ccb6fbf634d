import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Properties } from '../wire/index.ts'
import { Aliases } from './aliases.ts'

test('the first topics get an alias each, long ones do not', () => {
  const aliases = new Aliases(2)
  const send = (text: string): [omitted: boolean, alias: number | undefined] => {
    const own: Properties = {}
    const topic = Buffer.from(text)
    const omitted = aliases.propose(topic, own)
    aliases.sent(topic, own)
    return [omitted, own.topicAlias]
  }
  const long = 'x'.repeat(1025)
  assert.deepEqual(
    [send(long), send(long)],
    [
      [false, undefined],
      [false, undefined],
    ],
  )
  assert.deepEqual(['a', 'a', 'b', 'c', 'b', 'c'].map(send), [
    [false, 1],
    [true, 1],
    [false, 2],
    [false, undefined],
    [true, 2],
    [false, undefined],
  ])
})
