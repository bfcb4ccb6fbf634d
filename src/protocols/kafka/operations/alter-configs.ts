import { failed } from '../../../base/index.ts'
import type { Json } from '../../../core/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { repeated } from '../distinct.ts'
import { code, codeOf } from '../errors.ts'
import { keepOf, otherMaker } from '../mapping.ts'
import type { KafkaSettings } from '../settings.ts'
import { configBytesMax, defaultList, topicConfigsProblem } from '../topic-configs.ts'
import { APIS } from '../wire/apis.ts'
import { resourceType } from './describe-configs.ts'

type Configs = Readonly<Record<string, string>>
interface Change {
  name: string
  value: string | null
  configOperation: number
}
interface Resource {
  resourceType: number
  resourceName: string
}

/** KIP-339: the last two are for lists. */
const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const
const keyOf = (resource: Resource): string => `${resource.resourceType}/${resource.resourceName}`

/** Replaces all of a topic's own configurations. */
export const alterConfigs = operation(APIS.alterConfigs, async (request, call) => {
  const twice = repeated(request.resources, keyOf)
  const responses = request.resources.map(async ({ configs, ...resource }) => {
    if (twice.has(keyOf(resource))) return answered(resource, code.invalidRequest, 'it is named twice')
    const changes = configs.map((config) => ({ ...config, configOperation: operations.set }))
    return alter(resource, {}, changes, request.validateOnly, call)
  })
  return { responses: await Promise.all(responses) }
})

/** Changes some of a topic's configurations, and leaves the others. */
export const incrementalAlterConfigs = operation(APIS.incrementalAlterConfigs, async (request, call) => {
  const twice = repeated(request.resources, keyOf)
  const responses = request.resources.map(async ({ configs, ...resource }) => {
    if (twice.has(keyOf(resource))) return answered(resource, code.invalidRequest, 'it is named twice')
    const topic = call.shared.topics.find(resource.resourceName)
    const before = topic === undefined ? {} : call.shared.topics.configsOf(topic)
    return alter(resource, before, configs, request.validateOnly, call)
  })
  return { responses: await Promise.all(responses) }
})

async function alter(resource: Resource, before: Configs, changes: Change[], validateOnly: boolean, call: Call) {
  const { topics, broker, settings } = call.shared
  if (resource.resourceType !== resourceType.topic) {
    return answered(resource, code.invalidRequest, 'only topics can be configured by clients')
  }
  const topic = topics.find(resource.resourceName)
  if (topic === undefined) return answered(resource, code.unknownTopicOrPartition, 'no such topic')
  const maker = otherMaker(topic)
  if (maker !== null) return answered(resource, code.policyViolation, `made by ${maker}; configure it there`)
  const malformed = requestProblem(changes)
  if (malformed !== null) return answered(resource, code.invalidRequest, malformed)
  const tooLong = changes.find(({ value }) => value !== null && Buffer.byteLength(value) > configBytesMax)
  if (tooLong !== undefined)
    return answered(resource, code.invalidConfig, `a value has ${configBytesMax} bytes at most`)
  const configs = changed(before, changes, settings)
  const problem = topicConfigsProblem(Object.entries(configs).map(([name, value]) => ({ name, value })))
  if (problem !== null) return answered(resource, code.invalidConfig, problem)
  if (validateOnly) return answered(resource, code.none, null)
  const attributes = { ...(topic.spec.attributes as object | null), kafka: configs } as Json
  const [defined] = await broker.define([{ ...topic.spec, attributes, keep: keepOf(configs, settings) }], 'replace')
  if (defined !== undefined && failed(defined)) return answered(resource, codeOf(defined), defined.detail)
  return answered(resource, code.none, null)
}

function requestProblem(changes: readonly Change[]): string | null {
  if (repeated(changes, ({ name }) => name).size > 0) return 'a configuration is named twice'
  for (const { value, configOperation } of changes) {
    if (configOperation < operations.set || configOperation > operations.subtract) return 'no such operation'
    if (value === null && configOperation !== operations.delete) return 'a value is missing'
  }
  return null
}

function answered({ resourceType, resourceName }: Resource, errorCode: number, errorMessage: string | null) {
  return { resourceType, resourceName, errorCode, errorMessage }
}

/** What is appended to a list that was not set is appended to its default. */
function changed(before: Configs, changes: readonly Change[], settings: KafkaSettings): Configs {
  const after = new Map(Object.entries(before))
  const items = (list: string | undefined): string[] => (list === undefined || list === '' ? [] : list.split(','))
  for (const { name, value, configOperation } of changes) {
    if (configOperation === operations.delete || value === null) after.delete(name)
    else if (configOperation === operations.set) after.set(name, value)
    else {
      const given = new Set(items(value))
      const had = items(after.get(name) ?? defaultList(name, settings))
      const adds = configOperation === operations.append
      const list = adds ? [...new Set([...had, ...given])] : had.filter((one) => !given.has(one))
      after.set(name, list.join(','))
    }
  }
  return Object.fromEntries(after)
}
