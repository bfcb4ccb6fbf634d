import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '../../../base/index.ts'
import { batchHeader } from '../../../log/index.ts'
import { DiskError } from '../../../world/index.ts'
import { code } from '../errors.ts'
import { batchOf, startWorld, type Client } from '../testing/client.ts'
import { APIS } from '../wire/apis.ts'

async function commit(client: Client, groupId: string, topic: string, offset: number, note = '', partition = 0) {
  const partitions = [{ partitionIndex: partition, committedOffset: offset, committedMetadata: note }]
  const answer = await client.ask(APIS.offsetCommit, 7, {
    groupId,
    memberId: '',
    topics: [{ name: topic, partitions }],
  })
  return answer.topics[0]!.partitions[0]!.errorCode
}

test('a committed offset and its note are given back; partitions without one are -1', async () => {
  const { connect } = await startWorld({ partitions: 2 })
  const client = await connect()
  await client.produce('t', batchOf(['a']))
  await client.produce('u', batchOf(['a']))
  assert.equal(await commit(client, 'g', 't', 7, 'note'), code.none)
  const topics = [{ name: 't', partitionIndexes: [0, 1] }]
  const asked = await client.ask(APIS.offsetFetch, 5, { groupId: 'g', topics })
  const seen = asked.topics[0]!.partitions.map((one) => [one.committedOffset, one.metadata, one.errorCode])
  assert.deepEqual(seen, [
    [7, 'note', code.none],
    [-1, '', code.none],
  ])
  await commit(client, 'g', 'u', 3, '', 1)
  const all = await client.ask(APIS.offsetFetch, 8, {
    groups: [
      { groupId: 'g', topics: null },
      { groupId: 'other', topics: null },
    ],
  })
  const found = all.groups.map((group) =>
    group.topics.map((topic) => `${topic.name} ${topic.partitions[0]!.committedOffset}`),
  )
  assert.deepEqual(found, [['t 7', 'u 3'], []])
})

test('what may not be committed', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  await client.produce('t', batchOf(['a']))
  assert.equal(await commit(client, 'g', 'nowhere', 1), code.unknownTopicOrPartition)
  assert.equal(await commit(client, 'g', 't', 1, '', 9), code.unknownTopicOrPartition)
  assert.equal(await commit(client, 'g', 't', 1, 'x'.repeat(5000)), code.offsetMetadataTooLarge)
  assert.equal(await commit(client, '', 't', 1), code.invalidGroupId)
  assert.equal(await commit(client, 'g', 't', -2), code.offsetOutOfRange)
})

test('a group that only committed is listed as empty, described, and deleted', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  await client.produce('t', batchOf(['a']))
  await commit(client, 'g', 't', 1)
  const listed = await client.ask(APIS.listGroups, 5, { statesFilter: ['empty'] })
  assert.deepEqual(listed.groups, [
    { groupId: 'g', protocolType: 'consumer', groupState: 'Empty', groupType: 'classic' },
  ])
  const described = await client.ask(APIS.describeGroups, 6, {
    groups: ['g', 'none'],
    includeAuthorizedOperations: false,
  })
  assert.deepEqual(
    described.groups.map((group) => [group.groupState, group.errorCode]),
    [
      ['Empty', code.none],
      ['Dead', code.groupIdNotFound],
    ],
  )
  const deleted = await client.ask(APIS.deleteGroups, 2, { groupsNames: ['g', 'none'] })
  assert.deepEqual(
    deleted.results.map((one) => one.errorCode),
    [code.none, code.groupIdNotFound],
  )
  assert.deepEqual((await client.ask(APIS.listGroups, 5, {})).groups, [])
})

test('ListOffsets: a batch whose header does not say its latest time is found by the times of its records', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  const bare = batchOf(['a', 'b', 'c'])
  bare.writeBigInt64BE(-1n, 35) // as sarama before 1.45.1 leaves it
  bare.writeUInt32BE(crc32c(bare.subarray(21)), 17)
  assert.equal((await client.produce('t', bare)).errorCode, code.none)
  const at = async (timestamp: number) => {
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp }] }]
    const answer = await client.ask(APIS.listOffsets, 8, { replicaId: -1, isolationLevel: 0, topics })
    return answer.topics[0]!.partitions[0]!.offset
  }
  assert.deepEqual([await at(1001), await at(-3), await at(5000)], [1, 2, -1])
  const { records } = await client.fetch('t', 0)
  assert.equal(batchHeader.maxTimestamp(records!), 1002)
  assert.equal(batchHeader.storedCrc(records!), crc32c(records!.subarray(21)))
})

test('ListOffsets: what is named twice is refused and not looked for', async () => {
  const { broker, connect } = await startWorld()
  const client = await connect()
  await client.produce('t', batchOf(['a']))
  let searches = 0
  const { locate } = broker
  broker.locate = (...terms) => (searches++, locate.apply(broker, terms))
  const partitions = Array.from({ length: 1000 }, () => ({ partitionIndex: 0, timestamp: 2 ** 52 }))
  const topics = [{ name: 't', partitions }]
  const answer = await client.ask(APIS.listOffsets, 8, { replicaId: -1, isolationLevel: 0, topics })
  assert.ok(answer.topics[0]!.partitions.every(({ errorCode }) => errorCode === code.invalidRequest))
  assert.equal(searches, 0)
})

test('groups of a request are looked up once, however many it names', async () => {
  const { broker, connect } = await startWorld()
  const client = await connect()
  let lists = 0
  const { list } = broker
  broker.list = ((kind, namespace) => (lists++, list.call(broker, kind, namespace))) as typeof list
  const groups = Array.from({ length: 1000 }, (_, i) => `g${i}`)
  await client.ask(APIS.describeGroups, 5, { groups, includeAuthorizedOperations: false })
  await client.ask(APIS.offsetFetch, 8, {
    groups: groups.map((groupId) => ({ groupId, topics: null })),
    requireStable: false,
  })
  await client.ask(APIS.deleteGroups, 2, { groupsNames: groups })
  assert.ok(lists <= 3, `${lists} times all of the catalogue`)
})

test('ListOffsets: ends, times and the latest time', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  await client.produce('t', batchOf(['a', 'b', 'c']))
  const at = async (timestamp: number) => {
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp }] }]
    const answer = await client.ask(APIS.listOffsets, 8, { replicaId: -1, isolationLevel: 0, topics })
    const { offset, timestamp: found } = answer.topics[0]!.partitions[0]!
    return [offset, found]
  }
  assert.deepEqual(await at(-1), [3, -1])
  assert.deepEqual(await at(-2), [0, -1])
  assert.deepEqual(await at(-3), [2, 1002])
  assert.deepEqual(await at(1001), [1, 1001])
  assert.deepEqual(await at(5000), [-1, -1])
})

test('ListOffsets: what the disk does not give now is an error that clients try again, and not the end', async () => {
  const { store, connect } = await startWorld()
  const client = await connect()
  await client.produce('t', batchOf(['a', 'b']))
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: 1001 }] }]
  const ask = () => client.ask(APIS.listOffsets, 8, { replicaId: -1, isolationLevel: 0, topics })
  const { extents } = store
  store.extents = () => {
    store.extents = extents
    throw new DiskError('io', 'read', 'a span', 'EIO')
  }
  const failing = await ask()
  assert.deepEqual(failing.topics[0]!.partitions[0]!.errorCode, code.kafkaStorageError)
  assert.equal((await ask()).topics[0]!.partitions[0]!.offset, 1)
})

test('ListOffsets: a topic that is dropped while a request waits is unknown', async () => {
  const { time, store, connect } = await startWorld({ partitions: 9 })
  const [client, other] = [await connect(), await connect()]
  const partitionData = Array.from({ length: 9 }, (_, index) => ({ index, records: batchOf(['a']) }))
  await client.ask(APIS.produce, 9, { acks: -1, timeoutMs: 1000, topicData: [{ name: 't', partitionData }] })
  const slow = Promise.withResolvers<never>()
  store.extents = (() => slow.promise) as unknown as typeof store.extents
  const searches = Array.from({ length: 8 }, (_, partitionIndex) => ({ partitionIndex, timestamp: 0 }))
  const topics = [{ name: 't', partitions: [...searches, { partitionIndex: 8, timestamp: 5 }] }]
  client.send(APIS.listOffsets, 8, { replicaId: -1, isolationLevel: 0, topics })
  await other.ask(APIS.deleteTopics, 5, { topicNames: ['t'], timeoutMs: 1 })
  slow.reject(new Error('there is no such partition'))
  await time.advance(10)
  const answer = client.answer(APIS.listOffsets, 8)!
  const codes = answer.topics[0]!.partitions.map(({ errorCode }) => errorCode)
  assert.deepEqual(codes, Array(9).fill(code.unknownTopicOrPartition))
})

test('OffsetFetch: what is named again and again is looked up and answered once', async () => {
  const { broker, connect } = await startWorld()
  const client = await connect()
  await client.produce('t', batchOf(['a']))
  await commit(client, 'g', 't', 1)
  let looked = 0
  const { positions } = broker
  broker.positions = (...terms) => (looked++, positions.apply(broker, terms))
  const many = <T>(one: T): T[] => Array.from({ length: 10_000 }, () => one)
  const all = await client.ask(APIS.offsetFetch, 8, { groups: many({ groupId: 'g', topics: null }) })
  assert.deepEqual([all.groups.length, looked], [1, 1])
  for (const topics of [many({ name: 't', partitionIndexes: [0] }), [{ name: 't', partitionIndexes: many(0) }]]) {
    looked = 0
    const named = await client.ask(APIS.offsetFetch, 7, { groupId: 'g', topics })
    assert.deepEqual([named.topics.length, named.topics[0]!.partitions.length, looked], [1, 1, 1])
  }
})

test('OffsetFetch: one answer holds so many offsets; the groups behind them are asked for again', async () => {
  const { broker, connect } = await startWorld()
  const client = await connect()
  await client.produce('t', batchOf(['a']))
  const names = ['g', 'h', 'i']
  for (const group of names) await commit(client, group, 't', 1)
  const positions = Array.from({ length: 60_000 }, (_, partition) => ({ partition, offset: 1, note: '' }))
  broker.positions = () => positions
  const { groups } = await client.ask(APIS.offsetFetch, 8, {
    groups: names.map((groupId) => ({ groupId, topics: null })),
  })
  assert.deepEqual(
    groups.map(({ errorCode, topics }) => [errorCode, topics[0]?.partitions.length]),
    [
      [code.none, 60_000],
      [code.none, 60_000],
      [code.coordinatorLoadInProgress, undefined],
    ],
  )
})

test('ListOffsets: searches by time end with their connection, take turns, and nothing else waits for them', async () => {
  const { time, store, connect } = await startWorld({ partitions: 9 })
  const [client, other] = [await connect(), await connect()]
  for (let i = 0; i < 20; i++) {
    const partitionData = Array.from({ length: 9 }, (_, index) => ({ index, records: batchOf(['a']) }))
    await client.ask(APIS.produce, 9, { acks: -1, timeoutMs: 1000, topicData: [{ name: 't', partitionData }] })
  }
  let [calls, now, most] = [0, 0, 0]
  const extents = store.extents.bind(store)
  const slow = async (partition: number, from: number) => {
    calls++
    most = Math.max(most, ++now)
    await new Promise<void>((resolve) => void time.after(10, resolve))
    now--
    return extents(partition, from, 1)
  }
  store.extents = slow as unknown as typeof store.extents
  const request = (timestamp: number, partitions: number) => ({
    ...{ replicaId: -1, isolationLevel: 0 },
    topics: [
      { name: 't', partitions: Array.from({ length: partitions }, (_, i) => ({ partitionIndex: i, timestamp })) },
    ],
  })
  const clients = [client, other, await connect()]
  for (const one of clients) one.send(APIS.listOffsets, 8, request(2 ** 50, 9))
  await time.advance(25)
  assert.equal(most, 8)
  const ends = await (await connect()).ask(APIS.listOffsets, 8, request(-1, 1), 0)
  assert.equal(ends.topics[0]!.partitions[0]!.offset, 20)
  for (const one of clients) one.close('client')
  calls = 0
  await time.advance(1000)
  assert.equal(calls, 0)
})
