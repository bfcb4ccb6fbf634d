import { failed } from '../../../base/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code, codeOf } from '../errors.ts'
import { APIS } from '../wire/apis.ts'

const toHighWatermark = -1

export const deleteRecords = operation(APIS.deleteRecords, async (request, call) => {
  const topics = request.topics.map(async ({ name, partitions }) => {
    const cut = partitions.map(async ({ partitionIndex, offset }) => {
      return { partitionIndex, ...(await removeBefore(name, partitionIndex, offset, call)) }
    })
    return { name, partitions: await Promise.all(cut) }
  })
  return { topics: await Promise.all(topics) }
})

async function removeBefore(name: string, partition: number, offset: number, call: Call) {
  const { topics, broker } = call.shared
  const topic = topics.find(name)
  const bounds = topic === undefined ? undefined : broker.boundsOf(topic.id, partition)
  if (topic === undefined || bounds === undefined) return { lowWatermark: -1, errorCode: code.unknownTopicOrPartition }
  const before = offset === toHighWatermark ? bounds.end : offset
  if (before < 0 || before > bounds.end) return { lowWatermark: -1, errorCode: code.offsetOutOfRange }
  if (before <= bounds.start) return { lowWatermark: bounds.start, errorCode: code.none }
  const what = { log: topic.id, before: [{ partition, offset: before }] }
  const [result] = await broker.commit([{ op: 'remove', what }], { session: call.session, epoch: call.epoch })
  if (result !== undefined && failed(result)) return { lowWatermark: -1, errorCode: codeOf(result) }
  return { lowWatermark: before, errorCode: code.none }
}
