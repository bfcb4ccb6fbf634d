import { failed } from '../../../base/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code } from '../errors.ts'
import { distinct } from '../distinct.ts'
import { nodeId } from '../limits.ts'
import { describeTopicConfigs, isAskedFor } from '../topic-configs.ts'
import { APIS } from '../wire/apis.ts'
import type { ReadOf } from '../wire/schema.ts'

type Resource = ReadOf<typeof APIS.describeConfigs.request>['resources'][number]

export const resourceType = { topic: 2, broker: 4 } as const

export const describeConfigs = operation(APIS.describeConfigs, async (request, call) => {
  const resources = distinct(request.resources, (each) => `${each.resourceType}/${each.resourceName}`)
  const results = resources.map((resource) => {
    const { resourceType: type, resourceName } = resource
    return { resourceType: type, resourceName, ...describe(resource, call) }
  })
  if (failed(await call.shared.broker.settled('definitions'))) return 'close'
  return { results }
})

function describe(resource: Resource, call: Call) {
  const { topics, settings } = call.shared
  const { resourceName, configurationKeys } = resource
  if (resource.resourceType === resourceType.topic) {
    const topic = topics.find(resourceName)
    if (topic === undefined)
      return { errorCode: code.unknownTopicOrPartition, errorMessage: 'no such topic', configs: [] }
    const configs = describeTopicConfigs(topics.configsOf(topic), settings, configurationKeys)
    return { errorCode: code.none, errorMessage: null, configs }
  }
  if (resource.resourceType === resourceType.broker && (resourceName === '' || resourceName === String(nodeId))) {
    return { errorCode: code.none, errorMessage: null, configs: brokerConfigs(configurationKeys, call) }
  }
  return { errorCode: code.invalidRequest, errorMessage: 'topics and broker 1 have configurations', configs: [] }
}

function brokerConfigs(only: readonly string[] | null, call: Call) {
  const { settings } = call.shared
  const staticSource = 4
  const all: Record<string, string> = {
    'auto.create.topics.enable': String(settings.autoCreateTopics),
    'broker.id': String(nodeId),
    'default.replication.factor': '1',
    'log.retention.ms': String(settings.retentionMs),
    'message.max.bytes': String(settings.messageBytesMax),
    'num.partitions': String(settings.partitions),
  }
  const shown = Object.entries(all).filter(([name]) => isAskedFor(name, only))
  return shown.map(([name, value]) => {
    const synonyms = [{ name, value, source: staticSource }]
    return {
      name,
      value,
      readOnly: true,
      isSensitive: false,
      configSource: staticSource,
      synonyms,
      documentation: null,
    }
  })
}
