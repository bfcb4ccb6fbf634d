import assert from 'node:assert/strict'
import { test } from 'node:test'
import { code } from './errors.ts'
import { batchOf, fetchRequest, produceRequest, startWorld, type Client } from './testing/client.ts'
import { APIS } from './wire/apis.ts'

test('responses come in request order, and produce requests of one connection share a commit', async () => {
  const { time, connect } = await startWorld({}, 20)
  const client = await connect()
  await client.produce('t', batchOf(['first']))
  for (let i = 0; i < 5; i++) client.send(APIS.produce, 9, produceRequest('t', batchOf([`${i}`])))
  client.send(APIS.metadata, 9, { topics: null, includeTopicAuthorizedOperations: false })
  await time.advance(5)
  assert.equal(client.answer(APIS.produce, 9), null, 'nothing is durable yet')
  await time.advance(40)
  const offsets = []
  for (let i = 0; i < 5; i++)
    offsets.push(client.answer(APIS.produce, 9)?.responses[0]?.partitionResponses[0]?.baseOffset)
  assert.deepEqual(offsets, [1, 2, 3, 4, 5])
  assert.equal(client.answer(APIS.metadata, 9)?.topics[0]?.name, 't')
})

test('acks=0 is not answered, and what follows is', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  client.send(APIS.produce, 9, produceRequest('t', batchOf(['x']), 0))
  const answer = await client.ask(APIS.listOffsets, 1, {
    replicaId: -1,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  })
  assert.equal(answer.correlationId, 2)
  assert.equal(answer.topics[0]?.partitions[0]?.offset, 1)
})

test('acks=0: a failure closes the connection', async () => {
  const { time, connect } = await startWorld()
  const client = await connect()
  client.send(APIS.produce, 9, produceRequest('t', Buffer.from('no batch at all, only text'), 0))
  await time.advance(10)
  assert.equal(client.closedFor, 'error')
})

test('a parked fetch holds up its connection only, and ends when something comes', async () => {
  const { time, connect } = await startWorld()
  const [reader, writer] = [await connect(), await connect()]
  await writer.produce('t', batchOf(['a']))
  reader.send(APIS.fetch, 11, fetchRequest('t', 1, { maxWaitMs: 5000 }))
  reader.send(APIS.apiVersions, 0, {})
  await time.advance(1000)
  assert.equal(reader.answer(APIS.fetch, 11), null)
  await writer.produce('t', batchOf(['b']))
  const fetched = reader.answer(APIS.fetch, 11)
  assert.equal(fetched?.responses[0]?.partitions[0]?.highWatermark, 2)
  assert.equal(reader.answer(APIS.apiVersions, 0)?.errorCode, code.none)
  reader.send(APIS.fetch, 11, fetchRequest('t', 2, { maxWaitMs: 500 }))
  await time.advance(499)
  assert.equal(reader.answer(APIS.fetch, 11), null)
  await time.advance(2)
  assert.equal(reader.answer(APIS.fetch, 11)?.responses[0]?.partitions[0]?.errorCode, code.none)
})

test('KIP-35: an unknown version of ApiVersions is answered in version 0 with error 35', async () => {
  const { time, connect } = await startWorld()
  const client = await connect()
  const frame = client.encode(APIS.apiVersions, 0, {})
  frame.writeInt16BE(99, 6)
  client.receive(frame)
  await time.advance(1)
  const answer = client.answer(APIS.apiVersions, 0)
  assert.equal(answer?.errorCode, code.unsupportedVersion)
  assert.deepEqual(answer.apiKeys, [{ apiKey: 18, minVersion: 0, maxVersion: 4 }])
})

test('KIP-511: a client that does not name itself properly is refused', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  const bad = await client.ask(APIS.apiVersions, 3, { clientSoftwareName: '', clientSoftwareVersion: '1' })
  assert.equal(bad.errorCode, code.invalidRequest)
  const good = await client.ask(APIS.apiVersions, 3, { clientSoftwareName: 'a-b.c', clientSoftwareVersion: '1.0' })
  assert.equal(good.errorCode, code.none)
})

for (const [what, bytes] of [
  ['a negative size', Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ['an unknown API', Buffer.from([0, 0, 0, 10, 0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff])],
  ['a body that ends early', Buffer.from([0, 0, 0, 12, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0])],
  ['text', Buffer.from('GET / HTTP/1.1\r\nHost: broker\r\n\r\n')],
] as const) {
  test(`${what} closes the connection, and no other`, async () => {
    const { time, connect } = await startWorld()
    const [bad, good] = [await connect(), await connect()]
    bad.receive(bytes)
    await time.advance(1)
    assert.equal(bad.closedFor, 'error')
    assert.equal((await good.ask(APIS.apiVersions, 0, {})).errorCode, code.none)
  })
}

test('a client that does not read its answers is not worked for, and its input is left in the socket', async () => {
  const { time, connect } = await startWorld()
  const client = await connect()
  client.takes = false
  for (let i = 0; i < 3; i++) client.send(APIS.apiVersions, 0, {})
  await time.advance(10)
  assert.notEqual(client.answer(APIS.apiVersions, 0), null)
  assert.equal(client.answer(APIS.apiVersions, 0), null)
  client.drained()
  await time.advance(10)
  assert.notEqual(client.answer(APIS.apiVersions, 0), null)
})

test('half requests of many connections have a bound together', async () => {
  const { connect } = await startWorld()
  const half = Buffer.alloc(90 * 1024 * 1024)
  half.writeInt32BE(99 * 1024 * 1024, 0)
  const clients = [await connect(), await connect(), await connect()]
  for (const client of clients) client.receive(half)
  assert.deepEqual(
    clients.map((client) => client.closedFor),
    [null, null, 'error'],
  )
  const late = await connect()
  assert.equal((await late.ask(APIS.apiVersions, 0, {})).errorCode, code.none)
})

test('input behind a parked fetch is bounded', async () => {
  const { time, connect } = await startWorld()
  const client = await connect()
  await client.produce('t', batchOf(['a']))
  client.send(APIS.fetch, 11, fetchRequest('t', 1, { maxWaitMs: 1000 }))
  const batch = batchOf(['x'.repeat(100_000)])
  for (let i = 0; i < 5; i++) client.send(APIS.produce, 9, produceRequest('t', batch))
  assert.equal(client.paused, true)
  await time.advance(1100)
  assert.equal(client.paused, false)
  assert.notEqual(client.answer(APIS.fetch, 11), null)
  for (let i = 0; i < 5; i++) {
    assert.equal(client.answer(APIS.produce, 9)?.responses[0]?.partitionResponses[0]?.baseOffset, 1 + i)
  }
})

test('a server that stops answers what was promised and cuts what only waits', async () => {
  const { time, connect } = await startWorld({}, 20)
  const [producer, reader] = [await connect(), await connect()]
  await producer.produce('t', batchOf(['a']))
  reader.send(APIS.fetch, 11, fetchRequest('t', 1, { maxWaitMs: 60_000 }))
  producer.send(APIS.produce, 9, produceRequest('t', batchOf(['b'])))
  await time.advance(1)
  producer.stop()
  reader.stop()
  assert.equal(reader.closedFor, 'stopping')
  assert.equal(producer.closedFor, null)
  await time.advance(100)
  assert.equal(producer.answer(APIS.produce, 9)?.responses[0]?.partitionResponses[0]?.baseOffset, 1)
  assert.equal(producer.closedFor, 'stopping')
})

test('a server that stops does not wait for the members of a group', async () => {
  const { time, connect } = await startWorld()
  const [leader, follower, late] = [await connect(), await connect(), await connect()]
  const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
  const join = (client: Client, memberId = ''): void => {
    const timeouts = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 60_000 }
    client.send(APIS.joinGroup, 3, { groupId: 'g', memberId, protocolType: 'consumer', protocols, ...timeouts })
  }
  join(leader)
  await time.advance(10)
  const first = leader.answer(APIS.joinGroup, 3)!
  join(follower)
  await time.advance(10)
  join(leader, first.memberId)
  await time.advance(10)
  const { generationId, memberId } = follower.answer(APIS.joinGroup, 3)!
  follower.send(APIS.syncGroup, 3, { groupId: 'g', generationId, memberId, assignments: [] })
  await time.advance(10)
  assert.equal(follower.answer(APIS.syncGroup, 3), null)
  follower.stop()
  assert.equal(follower.closedFor, 'stopping')
  join(late)
  await time.advance(10)
  late.stop()
  assert.equal(late.closedFor, 'stopping')
})

test('a storage that fails: the connection stays, each request is told what its client tries again, and then it goes on', async () => {
  const world = await startWorld({}, 20)
  const { time, connect } = world
  const client = await connect()
  await client.produce('t', batchOf(['kept']))
  client.send(APIS.produce, 9, produceRequest('t', batchOf(['undecided'])))
  world.openable = false
  world.fail()
  await time.advance(10)
  const undecided = client.answer(APIS.produce, 9)
  assert.equal(undecided?.responses[0]?.partitionResponses[0]?.errorCode, code.kafkaStorageError)

  assert.equal((await client.produce('t', batchOf(['refused']))).errorCode, code.kafkaStorageError)
  assert.equal((await client.fetch('t', 0)).errorCode, code.kafkaStorageError)
  const metadata = await client.ask(APIS.metadata, 9, { topics: [{ name: 't' }] })
  assert.equal(metadata.topics[0]?.errorCode, code.leaderNotAvailable)
  assert.equal(metadata.brokers.length, 1)
  const offsets = { partitionIndex: 0, committedOffset: 1, committedMetadata: '' }
  const commit = {
    groupId: 'g',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [{ name: 't', partitions: [offsets] }],
  }
  const committed = await client.ask(APIS.offsetCommit, 8, commit)
  assert.equal(committed.topics[0]?.partitions[0]?.errorCode, code.coordinatorLoadInProgress)
  const wanted = { groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] }
  assert.equal((await client.ask(APIS.offsetFetch, 5, wanted)).errorCode, code.coordinatorLoadInProgress)
  const producer = { transactionalId: null, transactionTimeoutMs: 0 }
  assert.equal((await client.ask(APIS.initProducerId, 4, producer)).errorCode, code.coordinatorLoadInProgress)
  assert.equal((await client.ask(APIS.findCoordinator, 3, { key: 'g', keyType: 0 })).errorCode, code.none)
  const fresh = await connect()
  assert.equal((await fresh.produce('t', batchOf(['refused']))).errorCode, code.kafkaStorageError)

  world.openable = true
  await time.advance(20_000)
  assert.equal((await client.produce('t', batchOf(['after']))).baseOffset, 1)
  assert.equal((await fresh.produce('t', batchOf(['after']))).baseOffset, 2)
  assert.equal(client.closedFor, null)
})

test('a storage that fails again while sessions are opened leaves none behind', async () => {
  const world = await startWorld({}, 50)
  const { time, connect, broker } = world
  const client = await connect()
  world.fail()
  await time.advance(1010)
  world.fail()
  await time.advance(20_000)
  assert.equal((await client.produce('t', batchOf(['after']))).baseOffset, 0)
  client.close('client')
  await time.advance(1000)
  assert.deepEqual(broker.sessions(), [])
})

test('while the storage is away, a question that has no such answer ends the connection', async () => {
  const world = await startWorld()
  const client = await world.connect()
  world.openable = false
  world.fail()
  client.send(APIS.metadata, 9, { topics: null })
  await world.time.advance(10)
  assert.equal(client.closedFor, 'error')
  const other = await world.connect()
  other.send(APIS.listGroups, 4, {})
  await world.time.advance(10)
  assert.equal(other.closedFor, 'server')
})

test('what was staged when the storage failed is not told', async () => {
  const world = await startWorld({}, 20)
  const client = await world.connect()
  const topics = [{ name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
  client.send(APIS.createTopics, 5, { topics, timeoutMs: 1000, validateOnly: false })
  const reader = await world.connect()
  reader.send(APIS.metadata, 9, { topics: [{ name: 'new' }] })
  world.fail()
  await world.time.advance(10)
  assert.equal(client.answer(APIS.createTopics, 5)?.topics[0]?.errorCode, code.kafkaStorageError)
  assert.equal(reader.answer(APIS.metadata, 9)?.topics[0]?.errorCode, code.leaderNotAvailable)
})
