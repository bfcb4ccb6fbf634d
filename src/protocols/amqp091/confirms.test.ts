import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logFull, type OpResult } from '../../core/index.ts'
import { BatchBuilder } from '../../log/index.ts'
import { Channel } from './channel.ts'
import { answerPublishes, type PublishGroup } from './confirms.ts'
import type { Link } from './link.ts'
import { FrameCutter, FrameWriter, nameOf, readArgs, type MethodName } from './wire/index.ts'
import { Reader } from '../../base/index.ts'

/** Answers groups of publishes on one channel and tells, in words, what went out. */
function answers(groups: { count: number; mandatory?: boolean }[], results: OpResult[][], confirms = true): string[] {
  const said: string[] = []
  const out = new FrameWriter()
  const cutter = new FrameCutter(131_072)
  const send = (bytes: Uint8Array = out.take()): void => {
    cutter.push(Buffer.from(bytes), (type, _channel, buffer, start, end) => {
      if (type === 1) said.push(words(buffer, start, end))
    })
  }
  const link = { out, send, frameBytesMax: 131_072 } as unknown as Link
  const channel = new Channel(1, link)
  let first = confirms ? 1 : 0
  let firstOp = 0
  const made = groups.map(({ count, mandatory = false }, i): PublishGroup => {
    const builder = new BatchBuilder()
    for (let n = 0; n < count; n++) builder.add(1, null, Buffer.from(`m${n}`))
    const args = { exchange: 'x', routingKey: 'k', mandatory, immediate: false }
    const route = { channel: 1, args, space: 5, alone: false, delayed: false }
    const ops = results[i]!.length
    const group = { channel, route, batch: builder.finish(), count, first, firstOp, ops, inTransaction: false }
    if (confirms) first += count
    firstOp += ops
    return group
  })
  answerPublishes(link, made, results.flat(), (_, error) => said.push(`failed ${String(error)}`))
  return said
}

function words(buffer: Buffer, start: number, end: number): string {
  const reader = new Reader(buffer, start, end)
  const name: MethodName = nameOf(reader.u32())!
  if (name === 'basic.return') return 'return'
  const { deliveryTag, multiple } = readArgs(name as 'basic.ack', reader)
  return `${name.slice(6)} ${deliveryTag}${multiple ? ' and before' : ''}`
}

const ok = (more: object = {}): OpResult => ({ ok: { op: 'publish', logs: 1, sinks: 0, ...more } })
const full = { error: 'full', detail: 'no' } as const
const refused = (...runs: number[]): OpResult => ok({ refused: [{ log: 1, runs, failure: logFull }] })

test('all that went well is one ack', () => {
  assert.deepEqual(answers([{ count: 3 }, { count: 2 }], [[ok()], [ok()]]), ['ack 5 and before'])
  assert.deepEqual(answers([{ count: 1 }], [[ok()]]), ['ack 1'])
})

test('what was refused is nacked between the acks before and behind it, and no answer covers another', () => {
  const groups = [{ count: 2 }, { count: 3 }, { count: 1 }]
  assert.deepEqual(answers(groups, [[ok()], [refused(1, 2)], [ok()]]), [
    'ack 3 and before',
    'nack 5 and before',
    'ack 6',
  ])
  assert.deepEqual(answers(groups, [[full], [ok()], [full]]), ['nack 2 and before', 'ack 5 and before', 'nack 6'])
})

test('of one batch only what was refused is nacked, wherever it stands', () => {
  const few = [{ count: 2 }, { count: 6 }]
  assert.deepEqual(answers(few, [[ok()], [refused(1, 1, 3, 2)]]), [
    'ack 3 and before',
    'nack 4',
    'ack 5',
    'nack 7 and before',
    'ack 8',
  ])
  assert.deepEqual(answers([{ count: 3 }], [[refused(0, 1)]]), ['nack 1', 'ack 3 and before'])
})

test('a publish that one of several queues refused is nacked', () => {
  assert.deepEqual(answers([{ count: 1 }], [[ok(), full]]), ['nack 1'])
})

test('returns go out before the ack of what they return', () => {
  const unrouted = ok({ logs: 0, unrouted: [1] })
  assert.deepEqual(answers([{ count: 3, mandatory: true }], [[unrouted]]), ['return', 'ack 3 and before'])
  assert.deepEqual(answers([{ count: 2, mandatory: true }], [[]]), ['return', 'return', 'ack 2 and before'])
  assert.deepEqual(answers([{ count: 2 }], [[]]), ['ack 2 and before'])
})

test('without confirms a queue at its limit is silent, a broker that cannot store is not', () => {
  assert.deepEqual(answers([{ count: 1 }], [[refused(0, 1)]], false), [])
  assert.deepEqual(answers([{ count: 1 }], [[ok(), logFull]], false), [])
  assert.match(answers([{ count: 1 }], [[full, logFull]], false).join(), /^failed ProtocolError/)
  assert.match(answers([{ count: 1 }], [[full]], false).join(), /^failed ProtocolError/)
  const broken = { error: 'unavailable', detail: 'I/O error' } as const
  assert.match(answers([{ count: 1 }], [[broken]], false).join(), /^failed ProtocolError/)
})
