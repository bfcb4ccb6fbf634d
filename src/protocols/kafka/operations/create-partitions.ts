import { failed } from '../../../base/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code, codeOf } from '../errors.ts'
import { partitionsMax } from '../limits.ts'
import { otherMaker } from '../mapping.ts'
import { APIS } from '../wire/apis.ts'

export const createPartitions = operation(APIS.createPartitions, async (request, call) => {
  const results = request.topics.map(async ({ name, count }) => ({
    name,
    ...(await grow(name, count, request.validateOnly, call)),
  }))
  return { results: await Promise.all(results) }
})

async function grow(name: string, count: number, validateOnly: boolean, call: Call) {
  const { topics, broker } = call.shared
  const topic = topics.find(name)
  if (topic === undefined) return { errorCode: code.unknownTopicOrPartition }
  const maker = otherMaker(topic)
  if (maker !== null) return { errorCode: code.policyViolation, errorMessage: `made by ${maker}; change it there` }
  if (count <= topics.partitions(topic) || count > partitionsMax || topic.spec.lanes !== undefined) {
    const errorMessage = `topic has ${topics.partitions(topic)} partitions; more is possible, up to ${partitionsMax}`
    return { errorCode: code.invalidPartitions, errorMessage }
  }
  if (validateOnly) return { errorCode: code.none }
  const [defined] = await broker.define([{ ...topic.spec, partitions: count }], 'replace')
  if (defined !== undefined && failed(defined)) return { errorCode: codeOf(defined), errorMessage: defined.detail }
  return { errorCode: code.none }
}
