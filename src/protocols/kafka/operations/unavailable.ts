/**
 * What requests are told while the storage has failed and is not open again. Their errors are those that clients try
 * again: producers until their own delivery timeout, groups without losing their members. What is not here closes the
 * connection, which says the same to clients that administrate.
 */
import type { Answer, Call, Operation } from '../call.ts'
import { code } from '../errors.ts'
import { clusterId, nodeId } from '../limits.ts'
import { APIS } from '../wire/apis.ts'
import { ZERO_UUID, type Api, type ReadOf, type Table, type WriteOf } from '../wire/schema.ts'
import { apiVersions } from './api-versions.ts'
import { describeCluster } from './describe-cluster.ts'
import { findCoordinator } from './find-coordinator.ts'
import { heartbeat } from './heartbeat.ts'
import { joinGroup } from './join-group.ts'
import { leaveGroup } from './leave-group.ts'
import { saslHandshake } from './sasl-handshake.ts'
import { syncGroup } from './sync-group.ts'

const storage = code.kafkaStorageError
/** What groups and producers have committed is being read again. */
const loading = code.coordinatorLoadInProgress
const errorMessage = 'the storage has failed and is not open again yet'

type Told = (request: ReadOf<Table>, call: Call) => WriteOf<Table> | Promise<Answer<Table>>
const told = new Map<number, Told>()

const say = <Q extends Table, R extends Table>(
  api: Api<Q, R>,
  handle: (request: ReadOf<Q>, call: Call) => WriteOf<R> | Promise<Answer<R>>,
): void => void told.set(api.key, handle)

/** Membership of groups is kept in memory, and goes on. */
const asUsual = [
  apiVersions,
  describeCluster,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  saslHandshake,
  syncGroup,
] as unknown as Operation[]
for (const { api, handle } of asUsual) say(api, handle)

/** Who asked for no response learns of a failure by losing the connection. */
say(APIS.produce, (request) =>
  request.acks === 0
    ? Promise.resolve('close')
    : {
        responses: request.topicData.map(({ name, topicId, partitionData }) => ({
          name,
          topicId,
          partitionResponses: partitionData.map(({ index }) => ({ index, errorCode: storage, baseOffset: -1 })),
        })),
      },
)

say(APIS.fetch, ({ topics }) => ({
  responses: topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map(({ partition }) => ({
      partitionIndex: partition,
      errorCode: storage,
      highWatermark: -1,
      abortedTransactions: null,
      records: [],
    })),
  })),
}))

say(APIS.listOffsets, ({ topics }) => ({
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: storage })),
  })),
}))

say(APIS.offsetForLeaderEpoch, ({ topics }) => ({
  topics: topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition }) => ({ partition, errorCode: storage })),
  })),
}))

/** A client that asked for all topics would take an empty list for the truth. */
export function metadataUnavailable({ topics }: ReadOf<typeof APIS.metadata.request>, { advertised }: Call) {
  if (topics === null || topics.length === 0) return Promise.resolve('close' as const)
  return {
    brokers: [{ nodeId, host: advertised.host, port: advertised.port }],
    clusterId,
    controllerId: nodeId,
    topics: topics.map(({ name, topicId }) => {
      return { errorCode: code.leaderNotAvailable, name, topicId, partitions: [] }
    }),
  }
}
say(APIS.metadata, metadataUnavailable)

say(APIS.offsetCommit, ({ topics }) => ({
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: loading })),
  })),
}))

export function offsetFetchUnavailable(request: ReadOf<typeof APIS.offsetFetch.request>, { version }: Call) {
  const none = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: loading }
  const each = (topics: typeof request.topics) =>
    (topics ?? []).map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({ ...none, partitionIndex })),
    }))
  if (version < 8) return { topics: each(request.topics), errorCode: loading }
  return {
    groups: request.groups.map(({ groupId, topics }) => ({ groupId, topics: each(topics), errorCode: loading })),
  }
}
say(APIS.offsetFetch, offsetFetchUnavailable)

say(APIS.initProducerId, () => ({ errorCode: loading, producerId: -1, producerEpoch: -1 }))

say(APIS.createTopics, ({ topics }) => ({
  topics: topics.map(({ name }) => ({ name, errorCode: storage, errorMessage, configs: [] })),
}))

say(APIS.deleteTopics, ({ topics, topicNames }) => ({
  responses: [...topicNames.map((name) => ({ name, topicId: ZERO_UUID })), ...topics].map(({ name, topicId }) => {
    return { name, topicId, errorCode: storage, errorMessage }
  }),
}))

export const toldWhileUnavailable = (apiKey: number): Told | undefined => told.get(apiKey)
