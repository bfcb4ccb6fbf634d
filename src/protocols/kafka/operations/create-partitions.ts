import { failed } from '../../../base/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { repeated } from '../distinct.ts'
import { code, codeOf } from '../errors.ts'
import { partitionsMax, tooManyPartitions } from '../limits.ts'
import { otherMaker } from '../mapping.ts'
import { APIS } from '../wire/apis.ts'

export const createPartitions = operation(APIS.createPartitions, async (request, call) => {
  const twice = repeated(request.topics, ({ name }) => name)
  const room = { left: partitionsMax }
  const results = request.topics.map(async ({ name, count }) => {
    if (twice.has(name)) return { name, errorCode: code.invalidRequest, errorMessage: 'it is named twice' }
    return { name, ...(await grow(name, count, request.validateOnly, room, call)) }
  })
  return { results: await Promise.all(results) }
})

async function grow(name: string, count: number, validateOnly: boolean, room: { left: number }, call: Call) {
  const { topics, broker } = call.shared
  const topic = topics.find(name)
  if (topic === undefined) return { errorCode: code.unknownTopicOrPartition }
  const maker = otherMaker(topic)
  if (maker !== null) return { errorCode: code.policyViolation, errorMessage: `made by ${maker}; change it there` }
  const more = count - topics.partitions(topic)
  if (more <= 0 || count > partitionsMax || topic.spec.lanes !== undefined) {
    const errorMessage = `topic has ${topics.partitions(topic)} partitions; more is possible, up to ${partitionsMax}`
    return { errorCode: code.invalidPartitions, errorMessage }
  }
  if (more > room.left) return { errorCode: code.policyViolation, errorMessage: tooManyPartitions }
  room.left -= more
  if (validateOnly) return { errorCode: code.none }
  const [defined] = await broker.define([{ ...topic.spec, partitions: count }], 'replace')
  if (defined !== undefined && failed(defined)) return { errorCode: codeOf(defined), errorMessage: defined.detail }
  return { errorCode: code.none }
}
