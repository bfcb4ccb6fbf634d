import { failed } from '../../../base/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code, codeOf } from '../errors.ts'
import { otherMaker, topicIdOf } from '../mapping.ts'
import { APIS } from '../wire/apis.ts'
import { ZERO_UUID } from '../wire/schema.ts'

/** What another protocol made (a queue, say) is not Kafka's to delete. */
export const deleteTopics = operation(APIS.deleteTopics, async (request, call) => {
  const byName = request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
  const responses = [...byName, ...request.topics].map((one) => drop(one, call))
  return { responses: await Promise.all(responses) }
})

async function drop({ name, topicId }: { name: string | null; topicId: string }, call: Call) {
  const { topics, broker } = call.shared
  const topic = topics.named({ name, topicId })
  const missing = topicId === ZERO_UUID ? code.unknownTopicOrPartition : code.unknownTopicId
  if (topic === undefined) {
    const settled = await broker.settled()
    return { name, topicId, errorCode: failed(settled) ? codeOf(settled) : missing }
  }
  const answer = { name: topics.nameOf(topic), topicId: topicIdOf(topic.id) }
  const maker = otherMaker(topic)
  if (maker !== null)
    return { ...answer, errorCode: code.policyViolation, errorMessage: `made by ${maker}; delete it there` }
  const [dropped] = await broker.drop([{ id: topic.id }])
  if (dropped !== undefined && failed(dropped))
    return { ...answer, errorCode: codeOf(dropped), errorMessage: dropped.detail }
  return { ...answer, errorCode: code.none }
}
