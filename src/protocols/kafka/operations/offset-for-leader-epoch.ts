import { operation } from '../call.ts'
import { code } from '../errors.ts'
import { leaderEpoch } from '../limits.ts'
import { APIS } from '../wire/apis.ts'

/** There is one epoch, and it has not ended: nothing a client has read can have been cut off. */
export const offsetForLeaderEpoch = operation(APIS.offsetForLeaderEpoch, (request, call) => {
  const { topics, broker } = call.shared
  const answers = request.topics.map(({ topic: name, partitions }) => {
    const topic = topics.find(name)
    const answered = partitions.map(({ partition, currentLeaderEpoch, leaderEpoch: asked }) => {
      if (topic === undefined || !topics.hasPartition(topic, partition)) {
        return { errorCode: code.unknownTopicOrPartition, partition }
      }
      if (currentLeaderEpoch > leaderEpoch) return { errorCode: code.unknownLeaderEpoch, partition }
      if (asked !== leaderEpoch) return { errorCode: code.none, partition }
      const endOffset = broker.boundsOf(topic.id, partition)?.end ?? -1
      return { errorCode: code.none, partition, leaderEpoch, endOffset }
    })
    return { topic: name, partitions: answered }
  })
  return { topics: answers }
})
