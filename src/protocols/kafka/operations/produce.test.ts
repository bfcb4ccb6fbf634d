import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '../../../base/index.ts'
import { code } from '../errors.ts'
import { batchOf, produceRequest, startWorld } from '../testing/client.ts'
import { APIS } from '../wire/apis.ts'

/** Changes a batch and makes its checksum right again. */
function patched(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  const copy = Buffer.from(batch)
  change(copy)
  copy.writeUInt32BE(crc32c(copy.subarray(21)), 17)
  return copy
}

const batch = batchOf(['a', 'b'])
const damaged = Buffer.from(batch)
damaged[damaged.length - 1]! ^= 1

for (const [what, bytes, errorCode, version] of [
  ['a batch whose checksum is wrong', damaged, code.corruptMessage, 9],
  ['a batch that ends early', batch.subarray(0, -1), code.corruptMessage, 9],
  ['no batch', Buffer.alloc(0), code.corruptMessage, 9],
  ['two batches', Buffer.concat([batch, batch]), code.invalidRecord, 9],
  [
    'a batch of the format before 0.11',
    patched(batch, (b) => b.writeUInt8(1, 16)),
    code.unsupportedForMessageFormat,
    9,
  ],
  ['a count that is not the offsets', patched(batch, (b) => b.writeInt32BE(3, 57)), code.invalidRecord, 9],
  ['a control batch', patched(batch, (b) => b.writeInt16BE(0x20, 21)), code.invalidRecord, 9],
  ['a batch of a transaction', patched(batch, (b) => b.writeInt16BE(0x10, 21)), code.invalidTxnState, 9],
  ['zstd before version 7', patched(batch, (b) => b.writeInt16BE(4, 21)), code.unsupportedCompressionType, 6],
  ['a record that is longer than its batch', patched(batch, (b) => b.writeUInt8(0x7e, 61)), code.invalidRecord, 9],
  ['gzip that is none', patched(batch, (b) => b.writeInt16BE(1, 21)), code.invalidRecord, 9],
  ['a time beyond all dates', patched(batch, (b) => b.writeBigInt64BE(2n ** 62n, 35)), code.invalidTimestamp, 9],
  ['a time before 1970', patched(batch, (b) => b.writeBigInt64BE(-5n, 27)), code.invalidTimestamp, 9],
  ['a time of the append', patched(batch, (b) => b.writeInt16BE(0x08, 21)), code.invalidTimestamp, 9],
  ['a producer without a sequence', batchOf(['a'], { id: 5, epoch: 0, sequence: -1 }), code.invalidRecord, 9],
  ['a producer without an epoch', batchOf(['a'], { id: 5, epoch: -1, sequence: 0 }), code.invalidRecord, 9],
  ['a batch above max.message.bytes', batchOf(['x'.repeat(2000)]), code.messageTooLarge, 9],
] as const) {
  test(`${what} is refused, and nothing is appended`, async () => {
    const { connect } = await startWorld({ messageBytesMax: 1024 })
    const client = await connect()
    assert.equal((await client.produce('t', bytes, version)).errorCode, errorCode)
    assert.equal((await client.produce('t', batchOf(['x']))).baseOffset, 0)
  })
}

test('acks other than -1, 0 and 1 are refused', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  const answer = await client.ask(APIS.produce, 9, produceRequest('t', batch, 2))
  assert.equal(answer.responses[0]?.partitionResponses[0]?.errorCode, code.invalidRequiredAcks)
})

test('an idempotent producer: a retry gets the first offset, a gap and an old epoch are refused', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  const init = { transactionalId: null, transactionTimeoutMs: 0 }
  const { producerId: id, producerEpoch } = await client.ask(APIS.initProducerId, 4, init)
  const other = await client.ask(APIS.initProducerId, 4, init)
  assert.notEqual(other.producerId, id)
  const at = (sequence: number, epoch = producerEpoch) => batchOf(['x', 'y'], { id, epoch, sequence })
  assert.equal((await client.produce('t', at(0))).baseOffset, 0)
  assert.equal((await client.produce('t', at(2))).baseOffset, 2)
  const retried = await client.produce('t', at(0))
  assert.deepEqual([retried.errorCode, retried.baseOffset], [code.none, 0])
  assert.equal((await client.produce('t', at(8))).errorCode, code.outOfOrderSequenceNumber)
  // Who lost count goes on under the next epoch by itself.
  assert.equal((await client.produce('t', at(0, producerEpoch + 1))).baseOffset, 4)
  assert.equal((await client.produce('t', at(4))).errorCode, code.invalidProducerEpoch)
})

test('producers that name the same id when they ask for one are not taken for each other', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  for (const expected of [0, 1]) {
    const init = { transactionalId: null, transactionTimeoutMs: 1000, producerId: 0, producerEpoch: 0 }
    const { producerId: id, producerEpoch: epoch } = await client.ask(APIS.initProducerId, 4, init)
    const answer = await client.produce('t', batchOf([`of ${id}`], { id, epoch, sequence: 0 }))
    assert.deepEqual([answer.errorCode, answer.baseOffset], [code.none, expected])
  }
})

test('a transactional id is refused', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  const answer = await client.ask(APIS.initProducerId, 4, { transactionalId: 'tx', transactionTimeoutMs: 1000 })
  assert.equal(answer.errorCode, code.transactionalIdAuthorizationFailed)
})

test('topics are made by producing only where that is wanted, and partitions are not', async () => {
  const strict = await (await startWorld({ autoCreateTopics: false })).connect()
  assert.equal((await strict.produce('t', batch)).errorCode, code.unknownTopicOrPartition)
  const { broker, connect } = await startWorld()
  const client = await connect()
  assert.equal((await client.produce('no good', batch)).errorCode, code.unknownTopicOrPartition)
  assert.equal(broker.list('log').length, 0)
  const far = { name: 't', partitionData: [{ index: 7, records: batch }] }
  const answer = await client.ask(APIS.produce, 9, { acks: 1, timeoutMs: 1, topicData: [far] })
  assert.equal(answer.responses[0]?.partitionResponses[0]?.errorCode, code.unknownTopicOrPartition)
})

test('one Produce request makes a thousand topics at most', async () => {
  const { broker, connect } = await startWorld()
  const client = await connect()
  const topicData = Array.from({ length: 1100 }, (_, i) => ({
    name: `t${i}`,
    partitionData: [{ index: 0, records: batch }],
  }))
  const answer = await client.ask(APIS.produce, 9, { acks: -1, timeoutMs: 1000, topicData }, 1000)
  const codes = answer.responses.map(({ partitionResponses }) => partitionResponses[0]!.errorCode)
  assert.equal(codes.filter((each) => each === code.unknownTopicOrPartition).length, 100)
  assert.equal(broker.list('log').length, 1000)
})

test('acks=all: who waits longer than its timeout is told so, and its retry gets the offset of the first one', async () => {
  const { connect, time } = await startWorld({}, 3000)
  const client = await connect()
  client.send(APIS.produce, 9, produceRequest('t', batchOf(['first']), 1))
  await time.advance(20_000)
  assert.equal(client.answer(APIS.produce, 9)!.responses[0]!.partitionResponses[0]!.baseOffset, 0)
  const init = { transactionalId: null, transactionTimeoutMs: 0 }
  const { producerId: id, producerEpoch: epoch } = await client.ask(APIS.initProducerId, 4, init, 20_000)
  const batch = batchOf(['x', 'y'], { id, epoch, sequence: 0 })
  const slot = async (waitMs: number) =>
    (await client.ask(APIS.produce, 9, produceRequest('t', batch), waitMs)).responses[0]!.partitionResponses[0]!
  assert.equal((await slot(1050)).errorCode, code.requestTimedOut, 'after its 1000 ms')
  assert.equal((await slot(1050)).errorCode, code.requestTimedOut, 'known again, and still not on the disk')
  const last = await slot(1050)
  assert.deepEqual([last.errorCode, last.baseOffset], [code.none, 1])
  assert.equal((await client.fetch('t', 0)).highWatermark, 3, 'it is there once')
})

test('acks=1 knows no timeout, in Kafka as here', async () => {
  const { connect, time } = await startWorld({}, 3000)
  const client = await connect()
  client.send(APIS.produce, 9, produceRequest('t', batch, 1))
  await time.advance(20_000)
  assert.equal(client.answer(APIS.produce, 9)!.responses[0]!.partitionResponses[0]!.errorCode, code.none)
})

test('what was answered too early counts as under way until the disk has it', async () => {
  const { connect, time } = await startWorld({}, 10_000)
  const client = await connect()
  await time.advance(20_000)
  client.send(APIS.produce, 9, produceRequest('t', batchOf(['x'.repeat(10_000)])))
  await time.advance(1050)
  assert.equal(client.answer(APIS.produce, 9)!.responses[0]!.partitionResponses[0]!.errorCode, code.requestTimedOut)
  assert.ok(client.underWayBytes > 10_000, String(client.underWayBytes))
  await time.advance(40_000)
  assert.equal(client.underWayBytes, 0)
})

test('while the disk is slower than the producers, those with much under way are asked to wait, others are not', async () => {
  const { connect, time } = await startWorld({}, 400)
  const [heavy, light] = [await connect(), await connect()]
  // The topic, for which somebody has to wait, too.
  heavy.send(APIS.produce, 9, produceRequest('t', batchOf(['first'])))
  await time.advance(1000)
  assert.equal(heavy.answer(APIS.produce, 9)!.throttleTimeMs, 0)
  const much = produceRequest('t', batchOf(['x'.repeat(900_000)]))
  for (let i = 0; i < 2; i++) {
    heavy.send(APIS.produce, 9, much)
    await time.advance(50)
  }
  light.send(APIS.produce, 9, produceRequest('t', batchOf(['y'])))
  await time.advance(2000)
  const [first, second] = [heavy.answer(APIS.produce, 9)!, heavy.answer(APIS.produce, 9)!]
  assert.equal(first.throttleTimeMs, 0)
  assert.ok(second.throttleTimeMs > 250 && second.throttleTimeMs <= 1000, String(second.throttleTimeMs))
  assert.equal(light.answer(APIS.produce, 9)!.throttleTimeMs, 0)
})
