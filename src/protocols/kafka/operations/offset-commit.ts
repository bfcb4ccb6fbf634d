import { failed } from '../../../base/index.ts'
import type { AdvanceOp } from '../../../core/index.ts'
import { operation } from '../call.ts'
import { code, groupCodeOf } from '../errors.ts'
import { offsetNoteBytesMax } from '../limits.ts'
import { APIS } from '../wire/apis.ts'

interface Slot {
  partitionIndex: number
  errorCode: number
}

/** The group is asked and the offsets are committed in one turn, so nobody can be fenced in between. */
export const offsetCommit = operation(APIS.offsetCommit, async (request, call) => {
  const { topics, groups, broker } = call.shared
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generation } = request
  const problem = groups.commitProblem(groupId, memberId, groupInstanceId, generation)
  const ops: AdvanceOp[] = []
  const owners: Slot[][] = []
  const answers = request.topics.map(({ name, partitions }) => {
    const topic = topics.find(name)
    const taken: Slot[] = []
    const positions: { partition: number; offset: number; note: string }[] = []
    const slots = partitions.map(({ partitionIndex, committedOffset, committedMetadata }) => {
      const slot: Slot = { partitionIndex, errorCode: problem }
      const note = committedMetadata ?? ''
      if (problem !== code.none) return slot
      if (topic === undefined || !topics.hasPartition(topic, partitionIndex))
        slot.errorCode = code.unknownTopicOrPartition
      else if (Buffer.byteLength(note) > offsetNoteBytesMax) slot.errorCode = code.offsetMetadataTooLarge
      else if (committedOffset < 0 || committedOffset > Number.MAX_SAFE_INTEGER) slot.errorCode = code.offsetOutOfRange
      else {
        positions.push({ partition: partitionIndex, offset: committedOffset, note })
        taken.push(slot)
      }
      return slot
    })
    if (topic !== undefined && positions.length > 0) {
      ops.push({ op: 'advance', log: topic.id, subscription: groupId, positions })
      owners.push(taken)
    }
    return { name, partitions: slots }
  })
  if (ops.length > 0) {
    const results = await broker.commit(ops, { session: call.session, epoch: call.epoch })
    results.forEach((result, i) => {
      if (failed(result)) for (const slot of owners[i]!) slot.errorCode = groupCodeOf(result)
    })
  }
  return { topics: answers }
})
