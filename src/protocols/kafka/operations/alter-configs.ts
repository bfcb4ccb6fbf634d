import { failed } from '../../../base/index.ts'
import type { Json } from '../../../core/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code, codeOf } from '../errors.ts'
import { keepOf, otherMaker } from '../mapping.ts'
import type { KafkaSettings } from '../settings.ts'
import { defaultList, topicConfigsProblem } from '../topic-configs.ts'
import { APIS } from '../wire/apis.ts'
import { resourceType } from './describe-configs.ts'

type Configs = Readonly<Record<string, string>>
interface Change {
  name: string
  value: string | null
  /** KIP-339: 0 set, 1 delete, 2 append to a list, 3 subtract from it. */
  configOperation: number
}
interface Resource {
  resourceType: number
  resourceName: string
}

/** Replaces all of a topic's own configurations. */
export const alterConfigs = operation(APIS.alterConfigs, async (request, call) => {
  const responses = request.resources.map(({ configs, ...resource }) => {
    const changes = configs.map((config) => ({ ...config, configOperation: 0 }))
    return alter(resource, {}, changes, request.validateOnly, call)
  })
  return { responses: await Promise.all(responses) }
})

/** Changes some of a topic's configurations, and leaves the others. */
export const incrementalAlterConfigs = operation(APIS.incrementalAlterConfigs, async (request, call) => {
  const responses = request.resources.map(({ configs, ...resource }) => {
    const topic = call.shared.topics.find(resource.resourceName)
    const before = topic === undefined ? {} : call.shared.topics.configsOf(topic)
    return alter(resource, before, configs, request.validateOnly, call)
  })
  return { responses: await Promise.all(responses) }
})

async function alter(resource: Resource, before: Configs, changes: Change[], validateOnly: boolean, call: Call) {
  const { topics, broker, settings } = call.shared
  const answer = { resourceType: resource.resourceType, resourceName: resource.resourceName }
  if (resource.resourceType !== resourceType.topic) {
    return { ...answer, errorCode: code.invalidRequest, errorMessage: 'only topics can be configured by clients' }
  }
  const topic = topics.find(resource.resourceName)
  if (topic === undefined) return { ...answer, errorCode: code.unknownTopicOrPartition, errorMessage: 'no such topic' }
  const maker = otherMaker(topic)
  if (maker !== null)
    return { ...answer, errorCode: code.policyViolation, errorMessage: `made by ${maker}; configure it there` }
  const configs = changed(before, changes, settings)
  const problem = topicConfigsProblem(Object.entries(configs).map(([name, value]) => ({ name, value })))
  if (problem !== null) return { ...answer, errorCode: code.invalidConfig, errorMessage: problem }
  if (validateOnly) return { ...answer, errorCode: code.none, errorMessage: null }
  const attributes = { ...(topic.spec.attributes as object | null), kafka: configs } as Json
  const [defined] = await broker.define([{ ...topic.spec, attributes, keep: keepOf(configs, settings) }], 'replace')
  if (defined !== undefined && failed(defined)) {
    return { ...answer, errorCode: codeOf(defined), errorMessage: defined.detail }
  }
  return { ...answer, errorCode: code.none, errorMessage: null }
}

/** What is appended to a list that was not set is appended to its default. */
function changed(before: Configs, changes: readonly Change[], settings: KafkaSettings): Configs {
  const after = new Map(Object.entries(before))
  const items = (list: string | undefined): string[] => (list === undefined || list === '' ? [] : list.split(','))
  for (const { name, value, configOperation } of changes) {
    const given = items(value ?? '')
    const had = items(after.get(name) ?? defaultList(name, settings))
    if (configOperation === 1 || value === null) after.delete(name)
    else if (configOperation === 2) after.set(name, [...new Set([...had, ...given])].join(','))
    else if (configOperation === 3) after.set(name, had.filter((one) => !given.includes(one)).join(','))
    else after.set(name, value)
  }
  return Object.fromEntries(after)
}
