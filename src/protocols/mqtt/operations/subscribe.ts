import { failed } from '../../../base/index.ts'
import type { Defined, Id, Levels, RouteSpec, RouteTarget } from '../../../core/index.ts'
import type { Outcome } from '../../../base/index.ts'
import type { Client } from '../client.ts'
import type { Terms } from '../delivery/terms.ts'
import { subscribeReason } from '../errors.ts'
import { patternOf } from '../names.ts'
import { attach, findLog, ownLogName, queueSpecs, sharedLogName } from '../sources.ts'
import { attributesOf } from '../subscriptions.ts'
import type { Subscription, Way } from '../subscriptions.ts'
import { noProperties, PacketType, parseFilter, Reason, writeSubscribeAck } from '../wire/index.ts'
import type { ReasonCode, SubscribeEntry, SubscribePacket } from '../wire/index.ts'

interface Wanted extends Omit<Subscription, 'route'> {
  filter: string
  /** Where in the SUBACK. */
  index: number
  replaying: boolean
  /** The session has no subscription to this filter yet. */
  fresh: boolean
}

/**
 * SUBSCRIBE (MQTT 5 section 3.8): a route for each filter, then SUBACK, then retained messages. What arrives meanwhile
 * waits, so that it comes after the older retained ones, and with the right terms.
 */
export async function subscribe(client: Client, packet: SubscribePacket): Promise<void> {
  const { broker, namespace } = client.hub
  const reasons: ReasonCode[] = packet.entries.map(() => Reason.topicFilterInvalid)
  const wanted: Wanted[] = []
  let room = client.hub.settings.subscriptionsMax - client.subscriptions.size
  packet.entries.forEach((entry, index) => {
    const found = wantedOf(client, entry, index, packet.properties.subscriptionIdentifiers?.[0])
    if (found === undefined) return
    if (found.fresh && room-- <= 0) reasons[index] = Reason.quotaExceeded
    else wanted.push(found)
  })
  client.outbox.hold()
  const logs = new Map<string, { name: Levels; own: boolean }>()
  for (const { way, text } of wanted) {
    if (way === 'own') logs.set('', { name: ownLogName(client), own: true })
    if (way === 'shared') logs.set(text, { name: sharedLogName(text), own: false })
  }
  const missing = [...logs.values()].filter(({ name }) => findLog(client, name) === undefined)
  const making =
    missing.length === 0
      ? undefined
      : broker.define(
          missing.flatMap(({ name, own }) => queueSpecs(client, name, own)),
          'ensure',
        )
  // what is defined shows at once, so that one commit takes both, and no message comes between
  const defining = broker.define(
    wanted.map((each) => routeOf(client, each)),
    'replace',
  )
  const replays = wanted.filter(({ replaying }) => replaying)
  const looking = Promise.all(replays.map(({ filter }) => broker.retained(namespace, patternOf(filter))))
  await making
  const defined = await defining
  await Promise.all(dropFormer(client, wanted, defined))
  defined.forEach((outcome, i) => {
    const each = wanted[i]!
    reasons[each.index] = failed(outcome) ? subscribeReason(outcome.error) : each.qos
    if (!failed(outcome)) client.subscriptions.set(subscriptionOf(each, outcome.ok.id))
  })
  const retained = await looking
  if (client.phase !== 'open') return
  writeSubscribeAck(client.output.writer, PacketType.suback, packet.packetId, reasons, client.version)
  await Promise.all([...logs.values()].map(({ name, own }) => attach(client, name, own)))
  client.outbox.release(retained.map((batches, i) => ({ batches, terms: replayTerms(replays[i]!) })))
}

function wantedOf(
  client: Client,
  entry: SubscribeEntry,
  index: number,
  identifier: number | undefined,
): Wanted | undefined {
  const parsed = parseFilter(entry.filter)
  if (parsed === undefined) return undefined
  const { filter: text, qos, noLocal, retainAsPublished, retainHandling } = entry
  const way: Way = parsed.group !== undefined ? 'shared' : client.persistent && qos > 0 ? 'own' : 'live'
  const fresh = client.subscriptions.get(text) === undefined
  // section 3.8.4: a shared subscription gets no retained messages
  const replaying = way !== 'shared' && (retainHandling === 0 || (retainHandling === 1 && fresh))
  return { text, way, qos, noLocal, retainAsPublished, identifier, filter: parsed.filter, index, replaying, fresh }
}

function routeOf(client: Client, wanted: Wanted): RouteSpec {
  return {
    kind: 'route',
    space: client.hub.space,
    pattern: patternOf(wanted.filter),
    target: targetOf(client, wanted),
    owner: client.session,
    noLocal: wanted.noLocal,
    atMostOnce: wanted.way === 'own' ? 'live' : 'store',
    attributes: attributesOf(wanted),
    tags: { by: 'mqtt' },
  }
}

function subscriptionOf(wanted: Wanted, route: Id): Subscription {
  const { text, way, qos, noLocal, retainAsPublished, identifier } = wanted
  return { text, way, qos, noLocal, retainAsPublished, identifier, route }
}

function targetOf(client: Client, { way, text }: Wanted): RouteTarget {
  if (way === 'live') return { session: client.session }
  return { log: findLog(client, way === 'own' ? ownLogName(client) : sharedLogName(text)) ?? 0 }
}

/** A filter that now leads elsewhere (another QoS) has a new route; the old one goes. */
function dropFormer(client: Client, wanted: Wanted[], defined: Outcome<Defined>[]): Promise<unknown>[] {
  const former = wanted.flatMap(({ text }, i) => {
    const outcome = defined[i]!
    const route = client.subscriptions.get(text)?.route
    return failed(outcome) || route === undefined || route === outcome.ok.id ? [] : [{ id: route }]
  })
  return former.length === 0 ? [] : [client.hub.broker.drop(former)]
}

function replayTerms({ qos, identifier }: Wanted): Terms {
  const own = identifier === undefined ? noProperties : { subscriptionIdentifiers: [identifier] }
  return { qos, retainAsPublished: true, own, retained: true }
}
