import type { Delivery } from '../../../core/index.ts'
import type { Subscription, Subscriptions } from '../subscriptions.ts'
import { noProperties } from '../wire/index.ts'
import type { Properties, Qos } from '../wire/index.ts'

/** On which terms a run of messages goes to a client, from all its subscriptions that matched. */
export interface Terms {
  qos: Qos
  retainAsPublished: boolean
  /** Subscription Identifiers, as properties of its own. */
  own: Properties
  /** RETAIN is set: a last value for a new subscription. */
  retained: boolean
}

/**
 * Routes that are gone (the client has unsubscribed since) still had asked for the message; it may be delivered
 * (MQTT-3.10.4-3). At QoS 2 only if one may have been granted that (MQTT-3.8.4-8): which one is not known any more.
 */
const former: Terms = { qos: 1, retainAsPublished: false, own: noProperties, retained: false }
const formerQos2: Terms = { ...former, qos: 2 }

export function termsOf(delivery: Delivery, subscriptions: Subscriptions): Terms {
  let qos = -1
  let retainAsPublished = false
  let identifiers: number[] | undefined
  for (const route of delivery.routes) {
    const subscription = subscriptions.ofRoute(route)
    if (subscription === undefined) continue
    // a filter whose options changed has two routes for a moment
    if (route !== subscription.route && delivery.routes.includes(subscription.route)) continue
    if (subscription.qos > qos) qos = subscription.qos
    retainAsPublished ||= subscription.retainAsPublished
    if (subscription.identifier !== undefined) (identifiers ??= []).push(subscription.identifier)
  }
  if (qos < 0) {
    // Stored for its share group before it was a member.
    const member = subscriptions.ofQueue(delivery.subscription)
    if (member !== undefined) return termsOfOne(member)
    return subscriptions.withQos2 ? formerQos2 : former
  }
  const own = identifiers === undefined ? noProperties : { subscriptionIdentifiers: identifiers }
  return { qos: qos as Qos, retainAsPublished, own, retained: false }
}

function termsOfOne({ qos, retainAsPublished, identifier }: Subscription): Terms {
  const own = identifier === undefined ? noProperties : { subscriptionIdentifiers: [identifier] }
  return { qos, retainAsPublished, own, retained: false }
}
