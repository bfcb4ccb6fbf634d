import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '../../../base/index.ts'
import { encodeProperties, type Broker } from '../../../core/index.ts'
import { BatchBuilder, batchHeader, RecordTable } from '../../../log/index.ts'
import { code } from '../errors.ts'
import { topicIdOf, topicNames } from '../mapping.ts'
import { batchOf, fetchRequest, startWorld } from '../testing/client.ts'
import { APIS } from '../wire/apis.ts'

/** The batches that a partition's answer holds. */
function batchesOf(records: Buffer | null): Buffer[] {
  const batches: Buffer[] = []
  for (let at = 0; records !== null && at < records.length; at += batchHeader.batchBytes(records, at)) {
    batches.push(records.subarray(at, at + batchHeader.batchBytes(records, at)))
  }
  return batches
}

test('batches come back as they were, with their offset and epoch', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  const sent = [batchOf(['a', 'b']), batchOf(['c'.repeat(5000)]), batchOf(['d'])]
  for (const batch of sent) await client.produce('t', batch)
  const { records, highWatermark, logStartOffset } = await client.fetch('t', 0)
  const got = batchesOf(records)
  assert.deepEqual(
    got.map((batch) => batchHeader.baseOffset(batch)),
    [0, 2, 3],
  )
  assert.deepEqual(
    got.map((batch) => batch.readInt32BE(12)),
    [0, 0, 0],
  )
  got.forEach((batch, i) => assert.ok(batch.subarray(16).equals(sent[i]!.subarray(16))))
  assert.deepEqual([highWatermark, logStartOffset], [4, 0])
})

test('an offset inside a batch gives that whole batch', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  await client.produce('t', batchOf(['a', 'b', 'c']))
  assert.equal(batchHeader.baseOffset((await client.fetch('t', 2)).records!), 0)
})

test('KIP-74: the first batch comes whole however small the limit, the next one does not', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  for (let i = 0; i < 3; i++) await client.produce('t', batchOf(['x'.repeat(3000)]))
  assert.equal(batchesOf((await client.fetch('t', 0, { partitionMaxBytes: 10 })).records).length, 1)
  assert.equal(batchesOf((await client.fetch('t', 0, { partitionMaxBytes: 7000 })).records).length, 2)
})

test('KIP-74: an answer holds no more than its limit but for its first batch; and of no bytes there is one batch too', async () => {
  const { connect } = await startWorld({ partitions: 3 })
  const client = await connect()
  const partitions = [0, 1, 2]
  for (const index of partitions) {
    const partitionData = [{ index, records: batchOf(['x'.repeat(3000)]) }]
    await client.ask(APIS.produce, 9, { acks: -1, timeoutMs: 1000, topicData: [{ name: 't', partitionData }] })
  }
  const got = async (maxBytes: number): Promise<number[]> => {
    const wanted = partitions.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 10_000 }))
    const topics = [{ topic: 't', partitions: wanted }]
    const answer = await client.ask(APIS.fetch, 11, { maxWaitMs: 0, minBytes: 1, maxBytes, isolationLevel: 0, topics })
    return answer.responses[0]!.partitions.map(({ records }) => batchesOf(records).length)
  }
  assert.deepEqual(await got(0), [1, 0, 0])
  assert.deepEqual(await got(4000), [1, 0, 0])
  assert.deepEqual(await got(7000), [1, 1, 0])
  assert.deepEqual(await got(10_000), [1, 1, 1])
})

test('offsets that are not there, and topics that are not there', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  await client.produce('t', batchOf(['a']))
  assert.equal((await client.fetch('t', 1)).errorCode, code.none)
  const beyond = await client.fetch('t', 2)
  assert.deepEqual([beyond.errorCode, beyond.highWatermark], [code.offsetOutOfRange, 1])
  assert.equal((await client.fetch('u', 0)).errorCode, code.unknownTopicOrPartition)
  const byId = await client.ask(APIS.fetch, 13, {
    maxWaitMs: 5000,
    minBytes: 1,
    isolationLevel: 0,
    topics: [{ topicId: topicIdOf(12_345), partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] }],
  })
  assert.equal(byId.responses[0]?.partitions[0]?.errorCode, code.unknownTopicId, 'and at once, though it may wait')
})

test('records before the start are gone after DeleteRecords', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  for (const value of ['a', 'b', 'c']) await client.produce('t', batchOf([value]))
  const cut = await client.ask(APIS.deleteRecords, 2, {
    timeoutMs: 1000,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: 2 }] }],
  })
  assert.equal(cut.topics[0]?.partitions[0]?.lowWatermark, 2)
  const before = await client.fetch('t', 0)
  assert.deepEqual([before.errorCode, before.logStartOffset], [code.offsetOutOfRange, 2])
  assert.equal(batchHeader.baseOffset((await client.fetch('t', 2)).records!), 2)
})

test('an unknown fetch session is refused; none is ever made', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  const made = await client.ask(APIS.fetch, 11, { ...fetchRequest('t', 0), sessionEpoch: 0 })
  assert.equal(made.sessionId, 0)
  const later = await client.ask(APIS.fetch, 11, { ...fetchRequest('t', 0), sessionId: 5, sessionEpoch: 1 })
  assert.equal(later.errorCode, code.fetchSessionIdNotFound)
})

test('what another protocol published is seen with plain headers and a right checksum', async () => {
  const { time, broker, connect } = await startWorld()
  const client = await connect()
  await client.produce('orders.eu', batchOf(['native']))
  const namespace = broker.findNamespace('default')!.id
  const receiver = { deliver: () => undefined, notice: () => undefined }
  const opened = await time.until(broker.open({ namespace, user: '' }, receiver))
  assert.ok('ok' in opened)
  const builder = new BatchBuilder()
  const headers = [{ name: 'h', value: { type: 'i32' as const, value: 7 } }]
  const envelope = encodeProperties({ contentType: 'text/plain', correlationId: Buffer.from('c1'), headers })
  builder.add(5000, Buffer.from('k'), Buffer.from('v'), envelope)
  builder.add(5001, null, null)
  const publish = {
    op: 'publish' as const,
    to: [{ space: broker.findSpace(namespace, '')!.id, levels: topicNames.decode('orders.eu') }],
    batch: builder.finish(),
    foreign: true,
  }
  await time.until(broker.commit([publish], opened.ok))
  const [, batch] = batchesOf((await client.fetch('orders.eu', 0)).records)
  assert.equal(batchHeader.baseOffset(batch!), 1)
  assert.equal(batchHeader.storedCrc(batch!), crc32c(batch!.subarray(batchHeader.crcStart)))
  const table = new RecordTable(batch!)
  assert.equal(table.count, 2)
  assert.equal(table.key(0)?.toString(), 'k')
  assert.equal(table.timestamp(0), 5000)
  assert.deepEqual(
    table.headers(0).map(({ key, value }) => `${key.toString()}=${value?.toString()}`),
    ['content-type=text/plain', 'correlation-id=c1', 'h=7'],
  )
  assert.equal(table.value(1), null)
  assert.deepEqual(table.headers(1), [])
})

test('an answer holds no more than there is room for, but always a batch', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  for (let i = 0; i < 4; i++) await client.produce('t', batchOf(['x'.repeat(1000)]))
  const bytes = async (room: number): Promise<number> => {
    client.room = room
    return (await client.fetch('t', 0)).records!.length
  }
  const all = await bytes(Infinity)
  assert.equal(await bytes(-1), all / 4)
  assert.equal(await bytes(all / 2), all / 2)
})

/** What is read comes as from the disk: into the memory that the reader brings. Gives the offsets that are read. */
function fromDisk(broker: Broker): number[][] {
  const wanted: number[][] = []
  const read = broker.read.bind(broker)
  broker.read = async (parts, options) => {
    wanted.push(parts.map(({ offset }) => offset))
    const results = await read(parts, options)
    return results.map((result) => {
      if ('error' in result) return result
      const batches = result.ok.batches.map((batch) => {
        const bytes = options.memory!.take(batch.bytes.length)
        batch.bytes.copy(bytes)
        return Object.create(batch, { bytes: { value: bytes } }) as typeof batch
      })
      return { ok: { ...result.ok, batches } }
    })
  }
  return wanted
}

test('what comes after an answer from the disk is read before it is asked for, and not once more when it is', async () => {
  const { connect, broker } = await startWorld()
  const client = await connect()
  for (const value of ['a', 'b', 'c']) await client.produce('t', batchOf([value.repeat(3000)]))
  const wanted = fromDisk(broker)
  const fetched = async (offset: number): Promise<[number, number]> => {
    const { records, highWatermark } = await client.fetch('t', offset, { partitionMaxBytes: 10 })
    assert.deepEqual(
      batchesOf(records).map((batch) => batchHeader.baseOffset(batch)),
      [offset],
    )
    return [highWatermark, records![records!.length - 2]!]
  }
  const byte = (value: string): number => value.charCodeAt(0)
  assert.deepEqual(await fetched(0), [3, byte('a')])
  assert.deepEqual(await fetched(1), [3, byte('b')])
  assert.deepEqual(await fetched(2), [3, byte('c')])
  assert.deepEqual(wanted, [[0], [1], [], [2], []])
})

test('what was read ahead before a failure of the storage is read again', async () => {
  const { time, connect, broker, fail } = await startWorld()
  const client = await connect()
  for (const value of ['a', 'b', 'c']) await client.produce('t', batchOf([value]))
  const wanted = fromDisk(broker)
  await client.fetch('t', 0, { partitionMaxBytes: 10 })
  assert.deepEqual(wanted, [[0], [1]])
  fail()
  await time.advance(1500)
  assert.equal((await client.fetch('t', 1, { partitionMaxBytes: 10 })).errorCode, code.none)
  assert.deepEqual(wanted, [[0], [1], [1]])
})
