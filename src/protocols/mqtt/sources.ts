import { failed } from '../../base/index.ts'
import { levelOfUtf8 } from '../../core/index.ts'
import type { Id, Levels, Spec } from '../../core/index.ts'
import { pool } from './client.ts'
import type { Client } from './client.ts'
import { shared } from './subscriptions.ts'
import type { Subscription } from './subscriptions.ts'
import { parseFilter } from './wire/index.ts'

/*
 * Logs that a session is served from: its own, where its QoS 1 and 2 messages are kept while it is away, and those of
 * its share groups, whose members take turns. Each is a queue: a log with its default leased subscription.
 */

export const ownLogName = (client: Client): Levels => ['$session', levelOfUtf8(client.clientId)]

/** One log for each group and filter (MQTT 5 section 4.8.2): the same group name with another filter is another. */
export function sharedLogName(text: string): Levels {
  const { group = '', filter = text } = parseFilter(text) ?? {}
  return ['$share', levelOfUtf8(group), levelOfUtf8(filter)]
}

export function queueSpecs(client: Client, name: Levels, own: boolean): Spec[] {
  const { namespace, settings } = client.hub
  const tags = { by: 'mqtt', use: own ? 'session' : 'share' }
  const readyMax = own && settings.sessionMessagesMax > 0 ? { readyMax: settings.sessionMessagesMax } : {}
  return [
    {
      kind: 'log',
      namespace,
      name,
      partitions: 1,
      keep: { consumed: true },
      lifetime: own ? { owner: client.session } : { lastRoute: true },
      tags,
    },
    {
      kind: 'subscription',
      log: { namespace, name },
      name: '',
      mode: 'leased',
      start: 'first',
      policy: readyMax,
      tags,
    },
  ]
}

export function findLog(client: Client, name: Levels): Id | undefined {
  return client.hub.broker.findLog(client.hub.namespace, name)?.id
}

/** Serves the session from all logs that its subscriptions lead to. */
export async function attachAll(client: Client): Promise<void> {
  const names: Levels[] = [ownLogName(client)]
  for (const subscription of client.subscriptions.values()) {
    if (shared(subscription)) names.push(sharedLogName(subscription.text))
  }
  await Promise.all(names.map((name, i) => attach(client, name, i === 0)))
}

/** Serves the session from the log of this name, if it is there and does not do so already. */
export async function attach(client: Client, name: Levels, own: boolean): Promise<void> {
  const { broker } = client.hub
  const log = findLog(client, name)
  const subscription = log === undefined ? undefined : broker.findSubscription(log, '', 'leased')?.id
  if (subscription === undefined || client.consumers.has(subscription)) return
  if (own) client.ownSubscription = subscription
  const first = client.consumers.size === 0
  client.consumers.set(subscription, 0)
  const options = { session: client.session, subscription, leaseMs: Infinity, settle: 'byConsumer', pool } as const
  const attached = await broker.attach(options)
  if (failed(attached)) {
    client.consumers.delete(subscription)
    return
  }
  const { consumer } = attached.ok
  client.consumers.set(subscription, consumer)
  broker.credit([{ consumer, messages: Infinity, bytes: client.hub.settings.inFlightBytesMax }])
  if (first) broker.credit([{ session: client.session, pool, messages: client.outbox.window }])
}

/** No more from this share group; what was sent and not acknowledged goes to another member. */
export async function detachShared(client: Client, subscription: Subscription): Promise<void> {
  const { broker } = client.hub
  const log = findLog(client, sharedLogName(subscription.text))
  const queue = log === undefined ? undefined : broker.findSubscription(log, '', 'leased')?.id
  const consumer = queue === undefined ? undefined : client.consumers.get(queue)
  if (queue === undefined || consumer === undefined) return
  client.consumers.delete(queue)
  await broker.detach(consumer, 'release')
}
