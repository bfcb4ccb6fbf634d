import { failed } from '../../../base/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code, codeOf } from '../errors.ts'
import { distinct } from '../distinct.ts'
import { clusterId, leaderEpoch, nodeId } from '../limits.ts'
import { isTopicName, topicIdOf } from '../mapping.ts'
import type { Topic } from '../mapping.ts'
import { APIS } from '../wire/apis.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import type { WriteOf } from '../wire/schema.ts'
import { metadataUnavailable } from './unavailable.ts'

/** Kafka's own (Topic.isInternal): clients hide them. Others may begin with `__`, too. */
const internalTopics: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
])

type TopicAnswer = NonNullable<WriteOf<typeof APIS.metadata.response>['topics']>[number]

/** All topics: null from version 1 on, the empty list in version 0, where "none" cannot be said. */
export const metadata = operation(APIS.metadata, async (request, call) => {
  const { topics, broker, settings } = call.shared
  const all = request.topics === null || (call.version === 0 && request.topics.length === 0)
  const mayCreate = request.allowAutoTopicCreation && settings.autoCreateTopics
  const answers = all
    ? topics.all().map((topic) => describe(topic, call))
    : await findAll(request.topics ?? [], mayCreate, call)
  if (failed(await broker.settled('definitions'))) return metadataUnavailable(request, call)
  return {
    brokers: [{ nodeId, host: call.advertised.host, port: call.advertised.port }],
    clusterId,
    controllerId: nodeId,
    topics: answers,
  }
})

/** Each topic once, however often it is named: a topic of many partitions is a large answer to a short name. */
async function findAll(asked: readonly Asked[], mayCreate: boolean, call: Call): Promise<TopicAnswer[]> {
  let created = 0
  const answers = distinct(asked, ({ name, topicId }) => `${topicId}${name}`).map((each) => {
    const makes = mayCreate && each.name !== null && call.shared.topics.find(each.name) === undefined
    return find(each, makes && ++created <= call.shared.topics.autoCreatedMax, call)
  })
  return Promise.all(answers)
}

interface Asked {
  name: string | null
  topicId: string
}

async function find({ name, topicId }: Asked, mayCreate: boolean, call: Call): Promise<TopicAnswer> {
  const { topics } = call.shared
  if (name === null || topicId !== ZERO_UUID) {
    const found = topics.byId(topicId)
    return found ? describe(found, call) : refuse(name, topicId, code.unknownTopicId)
  }
  if (!isTopicName(name)) return refuse(name, ZERO_UUID, code.invalidTopic)
  const found = topics.find(name)
  if (found) return describe(found, call)
  return mayCreate ? autoCreate(name, call) : refuse(name, ZERO_UUID, code.unknownTopicOrPartition)
}

async function autoCreate(name: string, call: Call): Promise<TopicAnswer> {
  const { topics } = call.shared
  const defined = await topics.autoCreate(name)
  if (failed(defined)) return refuse(name, ZERO_UUID, codeOf(defined))
  const created = topics.find(name)
  return created ? describe(created, call) : refuse(name, ZERO_UUID, code.unknownTopicOrPartition)
}

function describe(topic: Topic, call: Call): TopicAnswer {
  const { topics } = call.shared
  const name = topics.nameOf(topic) ?? ''
  const partitions = Array.from({ length: topics.partitions(topic) }, (_, partitionIndex) => {
    return {
      errorCode: code.none,
      partitionIndex,
      leaderId: nodeId,
      leaderEpoch,
      replicaNodes: [nodeId],
      isrNodes: [nodeId],
    }
  })
  return { errorCode: code.none, name, topicId: topicIdOf(topic.id), isInternal: internalTopics.has(name), partitions }
}

function refuse(name: string | null, topicId: string, errorCode: number): TopicAnswer {
  return { errorCode, name, topicId, partitions: [] }
}
