import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PublishOp, SettleOp } from '../../core/index.ts'
import { RecordTable } from '../../log/index.ts'
import { done, Turn } from './turn.ts'
import { noProperties } from './wire/index.ts'
import type { PublishFrame } from './wire/index.ts'

const frame = (fields: Partial<PublishFrame>): PublishFrame => ({
  topic: 't',
  payload: Buffer.from('x'),
  qos: 1,
  dup: false,
  retain: false,
  packetId: 1,
  properties: noProperties,
  ...fields,
})

const clock = { now: () => 1000, wall: () => 1000, monotonic: () => 1000, asleep: () => 0 }
const target = { to: [{ space: 1, levels: ['t'] }] }

test('neighbours to one topic share a batch; another topic, QoS 0, an expiry, RETAIN end it', () => {
  const turn = new Turn()
  const publish = (topic: string, fields: Partial<PublishFrame>): void => {
    turn.publish(frame(fields), topic, target, clock)
    if ((fields.qos ?? 1) > 0) turn.oweLast(4, fields.packetId ?? 1)
  }
  publish('a', { packetId: 1 })
  publish('a', { packetId: 2, qos: 2 })
  publish('b', { packetId: 3 })
  publish('b', { packetId: 4, retain: true })
  publish('b', { packetId: 5 })
  publish('b', { qos: 0 })
  publish('b', { packetId: 6, properties: { messageExpiryInterval: 5 } })
  turn.settle({ subscription: 9, partition: 0, offset: 3, attempt: 1, consumer: 7, bytes: 1 }, done)
  publish('b', { packetId: 7, properties: { messageExpiryInterval: 5 } })
  turn.settle({ subscription: 9, partition: 0, offset: 4, attempt: 1, consumer: 7, bytes: 1 }, done)
  turn.settle({ subscription: 9, partition: 0, offset: 5, attempt: 2, consumer: 7, bytes: 1 }, done)
  const ops = turn.take([{ op: 'save', key: 'k', value: null }])
  const publishes = ops.filter((op): op is PublishOp => op.op === 'publish')
  assert.deepEqual(
    publishes.map(({ batch, retain, atMostOnce, expiresAt }) => [
      new RecordTable(batch).count,
      retain,
      atMostOnce,
      expiresAt,
    ]),
    [
      [2, false, false, undefined],
      [1, false, false, undefined],
      [1, true, false, undefined],
      [1, false, false, undefined],
      [1, false, true, undefined],
      [2, false, false, 6000],
    ],
  )
  const settle = ops.find((op): op is SettleOp => op.op === 'settle')!
  assert.deepEqual(settle.ranges, [
    { partition: 0, first: 3, last: 4, attempt: 1 },
    { partition: 0, first: 5, last: 5, attempt: 2 },
  ])
  assert.equal(ops.at(-1)!.op, 'save')
  const { packetIds, ops: indexes, records } = turn.replies
  assert.deepEqual(
    packetIds.map((id, i) => [id, indexes[i], records[i]]),
    [
      [1, 0, 0],
      [2, 0, 1],
      [3, 1, 0],
      [4, 2, 0],
      [5, 3, 0],
      [6, 5, 0],
      [7, 5, 1],
    ],
  )
})

test('the answer is that of its own record, also of the one that closes a batch', () => {
  const turn = new Turn()
  for (const packetId of [1, 2, 3, 4]) {
    turn.publish(frame({ packetId, payload: Buffer.alloc(100_000) }), 'a', target, clock)
    turn.oweLast(4, packetId)
  }
  assert.deepEqual(turn.replies.ops, [0, 0, 0, 1])
  assert.deepEqual(turn.replies.records, [0, 1, 2, 0])
})
