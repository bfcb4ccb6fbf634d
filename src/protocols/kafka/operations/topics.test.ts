import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failed } from '../../../base/index.ts'
import { code } from '../errors.ts'
import { topicIdOf, topicNames } from '../mapping.ts'
import { batchOf, startWorld, type Client } from '../testing/client.ts'
import { APIS } from '../wire/apis.ts'
import { ZERO_UUID } from '../wire/schema.ts'

const topicType = 2
const plain = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }

async function create(client: Client, name: string, more: object = {}): Promise<number> {
  const answer = await client.ask(APIS.createTopics, 5, { topics: [{ name, ...plain, ...more }] })
  return answer.topics[0]!.errorCode
}

async function namesOf(client: Client, version: number, topics: { name: string }[] | null): Promise<(string | null)[]> {
  const answer = await client.ask(APIS.metadata, version, { topics, includeTopicAuthorizedOperations: false })
  return answer.topics.map((topic) => topic.name)
}

async function retentionOf(client: Client, name: string): Promise<string | null | undefined> {
  const resources = [{ resourceType: topicType, resourceName: name, configurationKeys: ['retention.ms'] }]
  const { results } = await client.ask(APIS.describeConfigs, 4, { resources })
  return results[0]?.configs[0]?.value
}

test('Metadata: all, none and unknown topics, and what each version means by an empty list', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  await create(client, 'a')
  await create(client, 'b.c')
  assert.deepEqual(await namesOf(client, 0, []), ['a', 'b.c'])
  assert.deepEqual(await namesOf(client, 1, null), ['a', 'b.c'])
  assert.deepEqual(await namesOf(client, 1, []), [])
  const topics = [{ name: 'new' }, { name: 'no/good' }]
  const strict = await client.ask(APIS.metadata, 9, { topics, allowAutoTopicCreation: false })
  assert.deepEqual(
    strict.topics.map((topic) => topic.errorCode),
    [code.unknownTopicOrPartition, code.invalidTopic],
  )
  const made = await client.ask(APIS.metadata, 12, { topics: [{ name: 'new', topicId: ZERO_UUID }] })
  const { topicId, partitions } = made.topics[0]!
  assert.equal(partitions.length, 1)
  const byId = await client.ask(APIS.metadata, 12, { topics: [{ name: null, topicId }] })
  assert.equal(byId.topics[0]?.name, 'new')
  const unknown = await client.ask(APIS.metadata, 12, { topics: [{ name: null, topicId: topicIdOf(99_999) }] })
  assert.equal(unknown.topics[0]?.errorCode, code.unknownTopicId)
})

test('CreateTopics: what is refused, and why', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  assert.equal(await create(client, 'ok', { numPartitions: 3 }), code.none)
  assert.equal(await create(client, 'ok'), code.topicAlreadyExists)
  assert.equal(await create(client, 'ok', { replicationFactor: 3 }), code.topicAlreadyExists)
  const another = [{ name: 'confluent.value.schema.validation', value: 'true' }]
  assert.equal(await create(client, 'ok', { configs: another, numPartitions: 0 }), code.topicAlreadyExists)
  assert.equal(await create(client, '..'), code.invalidTopic)
  assert.equal(await create(client, 'x'.repeat(250)), code.invalidTopic)
  assert.equal(await create(client, 'x', { numPartitions: 0 }), code.invalidPartitions)
  assert.equal(await create(client, 'x', { replicationFactor: 3 }), code.invalidReplicationFactor)
  assert.equal(await create(client, 'x', { configs: [{ name: 'no.such', value: '1' }] }), code.invalidConfig)
  assert.equal(await create(client, 'x', { configs: [{ name: 'retention.ms', value: 'long' }] }), code.invalidConfig)
  assert.equal(await create(client, 'x', { configs: [{ name: 'constructor', value: '1' }] }), code.invalidConfig)
  const elsewhere = [{ partitionIndex: 0, brokerIds: [2] }]
  assert.equal(await create(client, 'x', { assignments: elsewhere }), code.invalidReplicaAssignment)
  const here = [1, 0].map((partitionIndex) => ({ partitionIndex, brokerIds: [1] }))
  assert.equal(await create(client, 'assigned', { assignments: here }), code.none)
  const dry = await client.ask(APIS.createTopics, 5, { topics: [{ name: 'dry', ...plain }], validateOnly: true })
  assert.equal(dry.topics[0]?.errorCode, code.none)
  assert.deepEqual(await namesOf(client, 1, null), ['ok', 'assigned'])
})

test('configurations are set, appended to and taken away, and say how long records are kept', async () => {
  const { broker, connect } = await startWorld({ retentionMs: 1000 })
  const client = await connect()
  await create(client, 't', { configs: [{ name: 'retention.bytes', value: '5000' }] })
  const namespace = broker.findNamespace('default')!.id
  const keep = () => broker.findLog(namespace, topicNames.decode('t'))?.spec.keep
  assert.deepEqual(keep(), { ageMs: 1000, bytes: 5000 })
  const alter = (name: string, configOperation: number, value: string | null) =>
    client.ask(APIS.incrementalAlterConfigs, 1, {
      resources: [{ resourceType: topicType, resourceName: 't', configs: [{ name, configOperation, value }] }],
      validateOnly: false,
    })
  await alter('retention.ms', 0, '60000')
  assert.deepEqual(keep(), { ageMs: 60_000, bytes: 5000 })
  assert.equal(await retentionOf(client, 't'), '60000')
  await alter('retention.ms', 1, null)
  assert.equal(await retentionOf(client, 't'), '1000')
  await alter('cleanup.policy', 0, 'compact')
  assert.deepEqual(keep(), { perKey: true })
  await alter('cleanup.policy', 2, 'delete')
  assert.deepEqual(keep(), { perKey: true, ageMs: 1000, bytes: 5000 })
  await alter('cleanup.policy', 3, 'compact')
  assert.deepEqual(keep(), { ageMs: 1000, bytes: 5000 })
  const refused = await alter('retention.ms', 0, 'x')
  assert.equal(refused.responses[0]?.errorCode, code.invalidConfig)
})

test('partitions are added, never taken away', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  await create(client, 't', { numPartitions: 2 })
  const grow = async (count: number): Promise<number> => {
    const topics = [{ name: 't', count, assignments: null }]
    return (await client.ask(APIS.createPartitions, 2, { topics, timeoutMs: 1, validateOnly: false })).results[0]!
      .errorCode
  }
  assert.equal(await grow(2), code.invalidPartitions)
  assert.equal(await grow(4), code.none)
  const metadata = await client.ask(APIS.metadata, 1, { topics: [{ name: 't' }] })
  assert.equal(metadata.topics[0]?.partitions.length, 4)
})

test('configurations as large as Kafka has them, and an append to a list that was not set', async () => {
  const { broker, connect } = await startWorld({ retentionMs: 1000 })
  const client = await connect()
  const configs = [
    { name: 'retention.ms', value: '9223372036854775807' },
    { name: 'max.message.bytes', value: '2147483647' },
  ]
  assert.equal(await create(client, 't', { configs }), code.none)
  const namespace = broker.findNamespace('default')!.id
  const keep = () => broker.findLog(namespace, topicNames.decode('t'))?.spec.keep
  assert.deepEqual(keep(), {})
  for (const value of ['9223372036854775808', '-2']) {
    assert.equal(await create(client, 'u', { configs: [{ name: 'retention.ms', value }] }), code.invalidConfig)
  }
  assert.equal(
    await create(client, 'u', { configs: [{ name: 'max.message.bytes', value: '2147483648' }] }),
    code.invalidConfig,
  )
  await client.ask(APIS.incrementalAlterConfigs, 1, {
    resources: [
      {
        ...{ resourceType: topicType, resourceName: 't' },
        configs: [
          { name: 'cleanup.policy', configOperation: 2, value: 'compact' },
          { name: 'retention.ms', configOperation: 1, value: null },
        ],
      },
    ],
    validateOnly: false,
  })
  assert.deepEqual(keep(), { perKey: true, ageMs: 1000 })
  const resources = [{ resourceType: topicType, resourceName: 't', configurationKeys: [] }]
  const { results } = await client.ask(APIS.describeConfigs, 4, { resources })
  assert.ok(results[0]!.configs.length > 5, 'no names: all of them')
})

test('topics that begin with __ are the user’s, but for those that are Kafka’s own', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  for (const name of ['__mine', '__consumer_offsets']) await create(client, name)
  const answer = await client.ask(APIS.metadata, 9, { topics: null, includeTopicAuthorizedOperations: false })
  assert.deepEqual(
    answer.topics.map(({ name, isInternal }) => [name, isInternal]),
    [
      ['__mine', false],
      ['__consumer_offsets', true],
    ],
  )
})

test('a topic id reaches only what Kafka can see', async () => {
  const { time, broker, connect } = await startWorld()
  const client = await connect()
  const log = { kind: 'log' as const, partitions: 1 }
  const namespace = broker.findNamespace('default')!.id
  const [own] = await time.until(broker.define([{ ...log, namespace, name: ['$own'] }], 'create'))
  const [other] = await time.until(broker.define([{ kind: 'namespace', name: 'other' }], 'create'))
  if (own === undefined || failed(own) || other === undefined || failed(other)) throw new Error('not defined')
  const [there] = await time.until(broker.define([{ ...log, namespace: other.ok.id, name: ['secret'] }], 'create'))
  if (there === undefined || failed(there)) throw new Error('not defined')
  for (const id of [own.ok.id, there.ok.id]) {
    const topicId = topicIdOf(id)
    const described = await client.ask(APIS.metadata, 12, { topics: [{ topicId, name: null }] })
    assert.equal(described.topics[0]!.errorCode, code.unknownTopicId)
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }]
    const request = { maxWaitMs: 0, minBytes: 1, isolationLevel: 0, topics: [{ topicId, partitions }] }
    const fetched = await client.ask(APIS.fetch, 13, request)
    assert.equal(fetched.responses[0]!.partitions[0]!.errorCode, code.unknownTopicId)
  }
})

test('a name reaches only what Kafka can see', async () => {
  const { time, broker, connect } = await startWorld()
  const client = await connect()
  const namespace = broker.findNamespace('default')!.id
  const name = ['$session', 'c1']
  await time.until(broker.define([{ kind: 'log', namespace, name, partitions: 1, tags: { by: 'mqtt' } }], 'create'))
  const own = topicNames.encode(name)
  assert.equal(own, '_x24session.c1')
  const { unknownTopicOrPartition, invalidTopic } = code
  const fresh = topicNames.encode(['$fresh'])
  const topics = [own, fresh].map((one) => ({ name: one }))
  const described = await client.ask(APIS.metadata, 9, { topics, allowAutoTopicCreation: true })
  assert.deepEqual(
    described.topics.map(({ errorCode }) => errorCode),
    [invalidTopic, invalidTopic],
  )
  for (const one of [own, fresh]) {
    assert.equal((await client.produce(one, batchOf(['a']))).errorCode, unknownTopicOrPartition)
    assert.equal((await client.fetch(one, 0)).errorCode, unknownTopicOrPartition)
    assert.equal(await create(client, one), invalidTopic)
  }
  const cut = [{ name: own, partitions: [{ partitionIndex: 0, offset: -1 }] }]
  const removed = await client.ask(APIS.deleteRecords, 2, { topics: cut, timeoutMs: 1 })
  assert.equal(removed.topics[0]!.partitions[0]!.errorCode, unknownTopicOrPartition)
  const gone = await client.ask(APIS.deleteTopics, 5, { topicNames: [own], timeoutMs: 1 })
  assert.equal(gone.responses[0]!.errorCode, unknownTopicOrPartition)
  assert.deepEqual(
    broker.list('log', namespace).map(({ spec }) => spec.name),
    [name],
  )
})

test('a topic made by another protocol is seen, and neither deleted nor changed from here', async () => {
  const { time, broker, connect } = await startWorld()
  const client = await connect()
  const namespace = broker.findNamespace('default')!.id
  const spec = { kind: 'log' as const, namespace, partitions: 1, tags: { by: 'amqp' } }
  await time.until(
    broker.define(
      [
        { ...spec, name: ['jobs'] },
        { ...spec, name: ['$own'] },
      ],
      'create',
    ),
  )
  await create(client, 'mine')
  assert.deepEqual(await namesOf(client, 1, null), ['jobs', 'mine'])
  const gone = await client.ask(APIS.deleteTopics, 5, { topicNames: ['jobs', 'mine', 'none'], timeoutMs: 1 })
  assert.deepEqual(
    gone.responses.map((one) => one.errorCode),
    [code.policyViolation, code.none, code.unknownTopicOrPartition],
  )
  assert.deepEqual(await namesOf(client, 1, null), ['jobs'])
  const configs = [{ name: 'retention.ms', configOperation: 0, value: '1' }]
  const altered = await client.ask(APIS.incrementalAlterConfigs, 1, {
    resources: [{ resourceType: topicType, resourceName: 'jobs', configs }],
    validateOnly: false,
  })
  const topics = [{ name: 'jobs', count: 3, assignments: null }]
  const grown = await client.ask(APIS.createPartitions, 2, { topics, timeoutMs: 1, validateOnly: false })
  assert.deepEqual(
    [altered.responses[0]!.errorCode, grown.results[0]!.errorCode],
    [code.policyViolation, code.policyViolation],
  )
  const jobs = broker.findLog(namespace, ['jobs'])!.spec
  assert.deepEqual([jobs.keep, jobs.partitions], [undefined, 1])
})

test('what is named again and again is answered once: a short request cannot ask for an endless answer', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  await create(client, 'wide', { numPartitions: 1000 })
  const topics = Array.from({ length: 5000 }, () => ({ name: 'wide' }))
  assert.deepEqual(await namesOf(client, 9, topics), ['wide'])
  const resources = Array.from({ length: 5000 }, () => ({ resourceType: topicType, resourceName: 'wide' }))
  const { results } = await client.ask(APIS.describeConfigs, 4, {
    resources: resources.map((each) => ({ ...each, configurationKeys: null })),
  })
  assert.equal(results.length, 1)
  const { groups } = await client.ask(APIS.describeGroups, 5, { groups: Array.from({ length: 5000 }, () => 'g') })
  assert.equal(groups.length, 1)
})

test('one Metadata request makes a thousand topics at most; the others are unknown until it is asked again', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  const topics = Array.from({ length: 1100 }, (_, i) => ({ name: `t${i}` }))
  const ask = async (): Promise<number> => {
    const answer = await client.ask(APIS.metadata, 9, { topics, allowAutoTopicCreation: true }, 1000)
    return answer.topics.filter(({ errorCode }) => errorCode === code.unknownTopicOrPartition).length
  }
  assert.equal(await ask(), 100)
  assert.equal(await ask(), 0)
})

test('configurations: what is named twice, has no value or one that is too long is refused before it costs anything', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  await create(client, 't')
  const ask = async (...resources: [string, { name: string; configOperation: number; value: string | null }[]][]) => {
    const answer = await client.ask(APIS.incrementalAlterConfigs, 1, {
      resources: resources.map(([resourceName, configs]) => ({ resourceType: topicType, resourceName, configs })),
      validateOnly: false,
    })
    return answer.responses.map(({ errorCode }) => errorCode)
  }
  const [set, remove, append] = [0, 1, 2]
  const compact = { name: 'cleanup.policy', configOperation: append, value: 'compact' }
  const began = performance.now()
  const many = Array.from({ length: 90_000 }, (_, i) => ({ ...compact, value: `own${i}` }))
  assert.deepEqual(await ask(['t', many]), [code.invalidRequest])
  assert.deepEqual(await ask(['t', [compact]], ['t', [compact]]), [code.invalidRequest, code.invalidRequest])
  const long = Array.from({ length: 2_000_000 }, (_, i) => i).join()
  assert.deepEqual(await ask(['t', [{ ...compact, value: long }]]), [code.invalidConfig])
  assert.ok(performance.now() - began < 5000)
  assert.deepEqual(await ask(['t', [{ name: 'segment.ms', configOperation: set, value: null }]]), [code.invalidRequest])
  assert.deepEqual(await ask(['t', [{ name: 'segment.ms', configOperation: 9, value: '1' }]]), [code.invalidRequest])
  assert.deepEqual(await ask(['t', [{ name: 'segment.ms', configOperation: remove, value: null }]]), [code.none])
  const without = { resourceType: topicType, resourceName: 't', configs: [{ name: 'segment.ms', value: null }] }
  const replaced = await client.ask(APIS.alterConfigs, 1, { resources: [without, without], validateOnly: false })
  assert.deepEqual(
    replaced.responses.map(({ errorCode }) => errorCode),
    [code.invalidRequest, code.invalidRequest],
  )
})

test('configurations without effect are checked, and each version can show what was taken', async () => {
  const { connect } = await startWorld()
  const client = await connect()
  const good = {
    'segment.ms': '604800000',
    'flush.messages': '9223372036854775807',
    'min.cleanable.dirty.ratio': '0.5',
    'segment.bytes': '1073741824',
    preallocate: 'false',
  }
  const configs = Object.entries(good).map(([name, value]) => ({ name, value }))
  assert.equal(await create(client, 't', { configs }), code.none)
  const resources = [{ resourceType: topicType, resourceName: 't', configurationKeys: Object.keys(good) }]
  const { results } = await client.ask(APIS.describeConfigs, 1, { resources })
  assert.deepEqual(Object.fromEntries(results[0]!.configs.map(({ name, value }) => [name, value])), good)
  const long = '1'.repeat(40_000)
  const bad = { ...good, 'segment.ms': long, 'segment.bytes': 'many', 'min.cleanable.dirty.ratio': '2', [long]: '1' }
  for (const [name, value] of Object.entries(bad)) {
    if (value === good[name as keyof typeof good]) continue
    assert.equal(await create(client, 'u', { configs: [{ name, value }] }), code.invalidConfig, name)
  }
  assert.equal(await create(client, 'u', { configs: [{ name: 'segment.ms', value: null }] }), code.invalidConfig)
  const older = { topics: [{ name: 'u', ...plain, configs: [{ name: 'x'.repeat(32_767), value: '1' }] }] }
  assert.equal((await client.ask(APIS.createTopics, 4, older)).topics[0]!.errorCode, code.invalidConfig)
})

test('one request makes ten thousand partitions at most, in whatever way', async () => {
  const { broker, connect } = await startWorld({ partitions: 4000 })
  const client = await connect()
  const makes = async (...counts: number[]): Promise<number[]> => {
    const topics = counts.map((numPartitions, i) => ({ ...plain, name: `n${numPartitions}-${i}`, numPartitions }))
    const answer = await client.ask(APIS.createTopics, 5, { topics, validateOnly: true })
    return answer.topics.map(({ errorCode }) => errorCode)
  }
  const { policyViolation, none, invalidRequest } = code
  assert.deepEqual(await makes(6000, 4000), [none, none])
  assert.deepEqual(await makes(6000, 4001), [policyViolation, policyViolation])
  assert.deepEqual(await makes(6001, -1), [policyViolation, policyViolation])
  for (const name of ['a', 'b']) await create(client, name, { numPartitions: 1 })
  const grow = async (validateOnly: boolean, ...topics: [string, number][]): Promise<number[]> => {
    const each = topics.map(([name, count]) => ({ name, count, assignments: null }))
    const answer = await client.ask(APIS.createPartitions, 2, { topics: each, timeoutMs: 1, validateOnly })
    return answer.results.map(({ errorCode }) => errorCode)
  }
  assert.deepEqual(await grow(false, ['a', 2], ['a', 3], ['b', 4]), [invalidRequest, invalidRequest, none])
  assert.deepEqual(await grow(true, ['a', 9001], ['b', 1005]), [none, policyViolation])
  const topics = Array.from({ length: 4 }, (_, i) => ({ name: `auto${i}` }))
  await client.ask(APIS.metadata, 9, { topics, allowAutoTopicCreation: true })
  const topicData = topics.map(({ name }) => ({ name: `${name}p`, partitionData: [] }))
  await client.ask(APIS.produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  const made = broker.list('log', broker.findNamespace('default')!.id).map(({ spec }) => spec.name.join('.'))
  assert.deepEqual(made, ['a', 'b', 'auto0', 'auto1', 'auto0p', 'auto1p'])
})
