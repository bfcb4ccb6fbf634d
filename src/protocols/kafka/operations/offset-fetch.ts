import { failed } from '../../../base/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { distinct } from '../distinct.ts'
import { code } from '../errors.ts'
import { groupTopics } from '../group-offsets.ts'
import { answerOffsetsMax } from '../limits.ts'
import { APIS } from '../wire/apis.ts'
import { offsetFetchUnavailable } from './unavailable.ts'

interface Wanted {
  name: string
  partitionIndexes: number[]
}

const none = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: code.none }

/**
 * Version 8 asks for several groups at once (KIP-709). Topics null: all that the group ever committed; so what is named
 * twice is answered once, and groups for which there is no room are to be asked for again.
 */
export const offsetFetch = operation(APIS.offsetFetch, async (request, call) => {
  const topicsOf = groupTopics(call.shared)
  let room = answerOffsetsMax
  const answer =
    call.version < 8
      ? { topics: offsetsOf(request.groupId, request.topics, topicsOf, call), errorCode: code.none }
      : {
          groups: distinct(request.groups, ({ groupId }) => groupId).map(({ groupId, topics }) => {
            if (room <= 0) return { groupId, topics: [], errorCode: code.coordinatorLoadInProgress }
            const found = offsetsOf(groupId, topics, topicsOf, call)
            for (const { partitions } of found) room -= partitions.length
            return { groupId, topics: found, errorCode: code.none }
          }),
        }
  // Staged commits are seen here, and a crash could take them back.
  if (failed(await call.shared.broker.settled())) return offsetFetchUnavailable(request, call)
  return answer
})

function offsetsOf(groupId: string, wanted: Wanted[] | null, topicsOf: ReturnType<typeof groupTopics>, call: Call) {
  const { topics, broker } = call.shared
  if (wanted === null) {
    return topicsOf(groupId).map((topic) => {
      const positions = broker.positions(topic.id, groupId)
      return { name: topics.nameOf(topic) ?? '', partitions: positions.map(committed) }
    })
  }
  return distinct(wanted, ({ name }) => name).map(({ name, partitionIndexes }) => {
    const topic = topics.find(name)
    const positions = topic === undefined ? [] : broker.positions(topic.id, groupId)
    const byPartition = new Map(positions.map((position) => [position.partition, position]))
    const partitions = [...new Set(partitionIndexes)].map((partitionIndex) => {
      const position = byPartition.get(partitionIndex)
      return position === undefined ? { partitionIndex, ...none } : committed(position)
    })
    return { name, partitions }
  })
}

function committed({ partition, offset, note }: { partition: number; offset: number; note: string }) {
  return { ...none, partitionIndex: partition, committedOffset: offset, metadata: note }
}
