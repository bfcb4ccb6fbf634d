import { failed, Gate, type Outcome } from '../../../base/index.ts'
import type { Located } from '../../../core/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { repeated } from '../distinct.ts'
import { code, codeOf } from '../errors.ts'
import { leaderEpoch, requestSearchesMax } from '../limits.ts'
import type { Topic } from '../mapping.ts'
import { APIS } from '../wire/apis.ts'

/** Timestamps that mean something else (KIP-734, KIP-1005). */
const special = { latest: -1, earliest: -2, maxTimestamp: -3, earliestLocal: -4, latestTiered: -5 } as const

const nothing: Outcome<Located> = { ok: { offset: -1, timestamp: -1 } }
const at = (offset: number): Outcome<Located> => ({ ok: { offset, timestamp: -1 } })

/** A partition that is named twice is refused, as in Kafka: a search goes through all of it. */
export const listOffsets = operation(APIS.listOffsets, async (request, call) => {
  const asked = request.topics.flatMap(({ name, partitions }) => {
    return partitions.map(({ partitionIndex }) => `${name}/${partitionIndex}`)
  })
  const twice = repeated(asked, (key) => key)
  const turns = new Gate(requestSearchesMax)
  const answers = request.topics.map(async ({ name, partitions }) => {
    const topic = call.shared.topics.find(name)
    const answered = partitions.map(async ({ partitionIndex, timestamp }) => {
      if (twice.has(`${name}/${partitionIndex}`)) return { partitionIndex, errorCode: code.invalidRequest }
      if (topic === undefined || !call.shared.topics.hasPartition(topic, partitionIndex)) {
        return { partitionIndex, errorCode: code.unknownTopicOrPartition }
      }
      const found = await find(topic, partitionIndex, timestamp, turns, call)
      if (failed(found)) return { partitionIndex, errorCode: codeOf(found) }
      const { offset, timestamp: time } = found.ok
      const epoch = offset < 0 ? -1 : leaderEpoch
      return { partitionIndex, errorCode: code.none, offset, timestamp: time, leaderEpoch: epoch }
    })
    return { name, partitions: await Promise.all(answered) }
  })
  return { topics: await Promise.all(answers) }
})

function find(
  topic: Topic,
  partition: number,
  timestamp: number,
  turns: Gate,
  call: Call,
): Outcome<Located> | Promise<Outcome<Located>> {
  const { broker, searches } = call.shared
  const { start, end } = broker.boundsOf(topic.id, partition) ?? { start: 0, end: 0 }
  const search = (time: number | 'max'): Promise<Outcome<Located>> =>
    turns.run(() => searches.run(() => broker.locate(topic.id, partition, time, call.session)))
  switch (timestamp) {
    case special.latest:
      return at(end)
    case special.earliest:
    case special.earliestLocal:
      return at(start)
    case special.latestTiered:
      return nothing
    case special.maxTimestamp:
      return search('max')
    default:
      return timestamp < 0 ? nothing : search(timestamp)
  }
}
