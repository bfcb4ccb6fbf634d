/** What a group committed lives in the core: a positional subscription of the group's name on each topic. */
import type { Entry, SubscriptionSpec } from '../../core/index.ts'
import type { Shared } from './call.ts'
import type { Topic } from './mapping.ts'

export function groupSubscriptions(shared: Shared): Entry<SubscriptionSpec>[] {
  const all = shared.broker.list('subscription', shared.namespace)
  return all.filter((one) => one.spec.mode === 'positional')
}

export function groupTopics(groupId: string, shared: Shared): Topic[] {
  const found: Topic[] = []
  for (const topic of shared.topics.all()) {
    if (shared.broker.findSubscription(topic.id, groupId, 'positional') !== undefined) found.push(topic)
  }
  return found
}
