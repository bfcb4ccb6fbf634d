import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code } from '../errors.ts'
import { leaderEpoch } from '../limits.ts'
import type { Topic } from '../mapping.ts'
import { APIS } from '../wire/apis.ts'

/** Timestamps that mean something else (KIP-734, KIP-1005). */
const special = { latest: -1, earliest: -2, maxTimestamp: -3, earliestLocal: -4, latestTiered: -5 } as const

interface Found {
  offset: number
  timestamp: number
}

const nothing: Found = { offset: -1, timestamp: -1 }

export const listOffsets = operation(APIS.listOffsets, async (request, call) => {
  const answers = request.topics.map(async ({ name, partitions }) => {
    const topic = call.shared.topics.find(name)
    const answered = partitions.map(async ({ partitionIndex, timestamp }) => {
      if (topic === undefined || !call.shared.topics.hasPartition(topic, partitionIndex)) {
        return { partitionIndex, errorCode: code.unknownTopicOrPartition }
      }
      const found = await find(topic, partitionIndex, timestamp, call)
      return { partitionIndex, errorCode: code.none, ...found, leaderEpoch: found.offset < 0 ? -1 : leaderEpoch }
    })
    return { name, partitions: await Promise.all(answered) }
  })
  return { topics: await Promise.all(answers) }
})

function find(topic: Topic, partition: number, timestamp: number, call: Call): Found | Promise<Found> {
  const { broker } = call.shared
  const { start, end } = broker.boundsOf(topic.id, partition) ?? { start: 0, end: 0 }
  switch (timestamp) {
    case special.latest:
      return { offset: end, timestamp: -1 }
    case special.earliest:
    case special.earliestLocal:
      return { offset: start, timestamp: -1 }
    case special.latestTiered:
      return nothing
    case special.maxTimestamp:
      return start === end ? nothing : broker.locate(topic.id, partition, 'max')
    default:
      return timestamp < 0 ? nothing : broker.locate(topic.id, partition, timestamp)
  }
}
