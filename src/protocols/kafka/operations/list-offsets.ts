import { Gate } from '../../../base/index.ts'
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

/** So many partitions of a request are looked through at a time: each has its own extents in memory. */
const searchesMax = 8

/** A partition that is named twice is refused, as in Kafka: a search goes through all of it. */
export const listOffsets = operation(APIS.listOffsets, async (request, call) => {
  const twice = namedTwice(request.topics)
  const turns = new Gate(searchesMax)
  const answers = request.topics.map(async ({ name, partitions }) => {
    const topic = call.shared.topics.find(name)
    const answered = partitions.map(async ({ partitionIndex, timestamp }) => {
      if (twice.has(`${name}/${partitionIndex}`)) return { partitionIndex, errorCode: code.invalidRequest }
      if (topic === undefined || !call.shared.topics.hasPartition(topic, partitionIndex)) {
        return { partitionIndex, errorCode: code.unknownTopicOrPartition }
      }
      const found = await turns.run(() => find(topic, partitionIndex, timestamp, call))
      return { partitionIndex, errorCode: code.none, ...found, leaderEpoch: found.offset < 0 ? -1 : leaderEpoch }
    })
    return { name, partitions: await Promise.all(answered) }
  })
  return { topics: await Promise.all(answers) }
})

function namedTwice(
  topics: readonly { name: string; partitions: readonly { partitionIndex: number }[] }[],
): Set<string> {
  const [once, twice] = [new Set<string>(), new Set<string>()]
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}/${partitionIndex}`
      if (once.has(key)) twice.add(key)
      once.add(key)
    }
  }
  return twice
}

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
