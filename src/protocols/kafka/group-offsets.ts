/** What a group committed lives in the core: a positional subscription of the group's name on each topic. */
import type { Entry, Id, SubscriptionSpec } from '../../core/index.ts'
import type { Shared } from './call.ts'
import type { Topic } from './mapping.ts'

export function groupSubscriptions(shared: Shared): Entry<SubscriptionSpec>[] {
  const all = shared.broker.list('subscription', shared.namespace)
  return all.filter((one) => one.spec.mode === 'positional')
}

/** The topics of a group; for a request that may name many, they are all looked up once. */
export function groupTopics(shared: Shared): (groupId: string) => readonly Topic[] {
  let byGroup: Map<string, Topic[]> | null = null
  return (groupId) => {
    byGroup ??= topicsByGroup(shared)
    return byGroup.get(groupId) ?? []
  }
}

function topicsByGroup(shared: Shared): Map<string, Topic[]> {
  const found = new Map<string, Topic[]>()
  for (const { spec } of groupSubscriptions(shared)) {
    const topic = shared.topics.byLog(spec.log as Id)
    if (topic === undefined) continue
    const topics = found.get(spec.name)
    if (topics === undefined) found.set(spec.name, [topic])
    else topics.push(topic)
  }
  return found
}
