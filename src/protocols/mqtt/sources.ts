import { failed } from '../../base/index.ts'
import { levelOfUtf8 } from '../../core/index.ts'
import type { Id, Levels, Spec } from '../../core/index.ts'
import { finishTurn } from './answer.ts'
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
  const attaching = [attach(client, ownLogName(client), undefined)]
  for (const subscription of client.subscriptions.values()) {
    const { text } = subscription
    if (shared(subscription)) attaching.push(attach(client, sharedLogName(text), text))
  }
  await Promise.all(attaching)
}

/** Serves the session from the log of this name, if it is there and does not do so already; `text`: of a share group. */
export async function attach(client: Client, name: Levels, text: string | undefined): Promise<void> {
  const { broker } = client.hub
  const log = findLog(client, name)
  const subscription = log === undefined ? undefined : broker.findSubscription(log, '', 'leased')?.id
  if (subscription === undefined || client.consumers.has(subscription)) return
  if (text === undefined) client.ownSubscription = subscription
  else client.subscriptions.serve(subscription, text)
  client.consumers.set(subscription, 0)
  const options = { session: client.session, subscription, leaseMs: Infinity, settle: 'byConsumer', pool } as const
  const attached = await broker.attach(options)
  if (failed(attached)) {
    client.consumers.delete(subscription)
    return
  }
  // The pool of who has taken the session over is its own.
  if (client.gone) return
  const { consumer } = attached.ok
  client.consumers.set(subscription, consumer)
  broker.credit([{ consumer, messages: Infinity, bytes: client.hub.settings.inFlightBytesMax }])
  if (client.granted) return
  client.granted = true
  broker.credit([{ session: client.session, pool, messages: client.outbox.window }])
}

/** No more from this share group; what was sent and not acknowledged goes to another member. */
export async function detachShared(client: Client, subscription: Subscription): Promise<void> {
  const { broker } = client.hub
  const log = findLog(client, sharedLogName(subscription.text))
  const queue = log === undefined ? undefined : broker.findSubscription(log, '', 'leased')?.id
  const consumer = queue === undefined ? undefined : client.consumers.get(queue)
  if (queue === undefined || consumer === undefined) return
  client.consumers.delete(queue)
  client.subscriptions.leave(queue)
  client.outbox.withdraw(consumer)
  finishTurn(client)
  await broker.detach(consumer, 'release')
}
