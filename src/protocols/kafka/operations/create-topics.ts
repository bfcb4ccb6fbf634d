import { failed } from '../../../base/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code, codeOf } from '../errors.ts'
import { nodeId, partitionsMax, tooManyPartitions } from '../limits.ts'
import { isTopicName, topicIdOf } from '../mapping.ts'
import { describeTopicConfigs, topicConfigsProblem } from '../topic-configs.ts'
import { APIS } from '../wire/apis.ts'
import type { ReadOf } from '../wire/schema.ts'

type Wanted = ReadOf<typeof APIS.createTopics.request>['topics'][number]

export const createTopics = operation(APIS.createTopics, async (request, call) => {
  const twice = new Set(request.topics.map((topic) => topic.name)).size < request.topics.length
  const byDefault = call.shared.settings.partitions
  const partitions = request.topics.reduce((sum, wanted) => sum + Math.max(0, partitionsOf(wanted, byDefault)), 0)
  const answers = request.topics.map(async (wanted) => {
    if (partitions > partitionsMax) return refuse(wanted, code.policyViolation, tooManyPartitions)
    if (twice) return refuse(wanted, code.invalidRequest, 'a topic is named twice')
    return create(wanted, request.validateOnly, call)
  })
  return { topics: await Promise.all(answers) }
})

async function create(wanted: Wanted, validateOnly: boolean, call: Call) {
  const { topics, settings } = call.shared
  const { name } = wanted
  if (!isTopicName(name)) return refuse(wanted, code.invalidTopic, 'letters, digits, . _ - only, at most 249')
  // Before all else that may be wrong: who makes a topic at each start need not know how it was made.
  if (topics.find(name) !== undefined) {
    const settled = await call.shared.broker.settled()
    if (failed(settled)) return refuse(wanted, codeOf(settled), settled.detail)
    return refuse(wanted, code.topicAlreadyExists, `topic '${name}' already exists`)
  }
  const partitions = partitionsOf(wanted, settings.partitions)
  const problem = problemOf(wanted, partitions)
  if (problem !== null) return refuse(wanted, problem.errorCode, problem.message)
  const configs: Record<string, string> = {}
  for (const config of wanted.configs) if (config.value !== null) configs[config.name] = config.value
  const made = { name, errorCode: code.none, errorMessage: null, numPartitions: partitions, replicationFactor: 1 }
  const described = describeTopicConfigs(configs, settings, null)
  if (validateOnly) return { ...made, configs: described }
  const defined = await topics.define({ name, partitions, configs }, 'create')
  if (failed(defined)) return refuse(wanted, codeOf(defined), defined.detail)
  return { ...made, topicId: topicIdOf(defined.ok.id), configs: described }
}

function partitionsOf(wanted: Wanted, byDefault: number): number {
  if (wanted.assignments.length > 0) return wanted.assignments.length
  return wanted.numPartitions === -1 ? byDefault : wanted.numPartitions
}

interface Problem {
  errorCode: number
  message: string
}

function problemOf(wanted: Wanted, partitions: number): Problem | null {
  if (partitions < 1 || partitions > partitionsMax) {
    return { errorCode: code.invalidPartitions, message: `between 1 and ${partitionsMax} partitions` }
  }
  if (wanted.assignments.length > 0) {
    if (wanted.numPartitions !== -1 || wanted.replicationFactor !== -1) {
      return { errorCode: code.invalidRequest, message: 'give either numbers or assignments' }
    }
    const indexes = new Set(wanted.assignments.map((one) => one.partitionIndex))
    const whole = wanted.assignments.every((one) => one.brokerIds.length === 1 && one.brokerIds[0] === nodeId)
    const dense = wanted.assignments.every((_, i) => indexes.has(i))
    if (!whole || !dense) {
      return { errorCode: code.invalidReplicaAssignment, message: `there is one broker, ${nodeId}` }
    }
  } else if (wanted.replicationFactor !== -1 && wanted.replicationFactor !== 1) {
    return { errorCode: code.invalidReplicationFactor, message: 'there is one broker: the replication factor is 1' }
  }
  const message = topicConfigsProblem(wanted.configs)
  return message === null ? null : { errorCode: code.invalidConfig, message }
}

function refuse({ name }: Wanted, errorCode: number, errorMessage: string) {
  return { name, errorCode, errorMessage, configs: [] }
}
