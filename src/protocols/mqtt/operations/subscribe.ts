import { failed } from '../../../base/index.ts'
import type { Id, Levels, RouteSpec, RouteTarget } from '../../../core/index.ts'
import type { Client } from '../client.ts'
import type { Promised } from '../delivery/outbox.ts'
import { subscribeReason } from '../errors.ts'
import { patternOf } from '../names.ts'
import { attach, findLog, ownLogName, queueSpecs, sharedLogName } from '../sources.ts'
import { attributesOf, filterBytes } from '../subscriptions.ts'
import type { Subscription, Way } from '../subscriptions.ts'
import { noProperties, PacketType, parseFilter, Reason, writeSubscribeAck } from '../wire/index.ts'
import type { Qos, ReasonCode, SubscribeEntry, SubscribePacket } from '../wire/index.ts'

interface Wanted extends Omit<Subscription, 'route'> {
  filter: string
  /** Where in the SUBACK, and with which QoS: of each entry for this filter. */
  granted: { index: number; qos: Qos }[]
  replaying: boolean
  /** The session has no subscription to this filter yet. */
  fresh: boolean
}

/**
 * SUBSCRIBE (MQTT 5 section 3.8): a route for each filter, then SUBACK, then retained messages. What arrives meanwhile
 * waits, so that it comes after the older retained ones, and with the right terms.
 */
export async function subscribe(client: Client, packet: SubscribePacket): Promise<void> {
  const { broker } = client.hub
  const reasons: ReasonCode[] = packet.entries.map(() => Reason.topicFilterInvalid)
  // The last entry of a filter counts, as if each had come in a packet of its own.
  const byText = new Map<string, Wanted>()
  const { subscriptionsMax, subscriptionBytesMax } = client.hub.settings
  let room = subscriptionsMax - client.subscriptions.size
  let bytesRoom = subscriptionBytesMax - client.subscriptions.bytes
  packet.entries.forEach((entry, index) => {
    const found = wantedOf(client, entry, index, packet.properties.subscriptionIdentifiers?.[0])
    if (found === undefined) return
    const before = byText.get(found.text)
    if (before === undefined && found.fresh) {
      const bytes = filterBytes(found.text)
      if (room < 1 || bytesRoom < bytes) return void (reasons[index] = Reason.quotaExceeded)
      room--
      bytesRoom -= bytes
    }
    byText.set(found.text, { ...found, granted: [...(before?.granted ?? []), ...found.granted] })
  })
  const wanted = [...byText.values()]
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
  // In this very step: while both routes were there, each message would come by both.
  const dropping = dropFormer(client, wanted)
  // In this very step as well: what is published from here on comes by the routes.
  const promised = wanted.map((each) => (each.replaying ? promiseTo(client, each) : []))
  await making
  const defined = await defining
  await dropping
  defined.forEach((outcome, i) => {
    const each = wanted[i]!
    for (const { index, qos } of each.granted) {
      reasons[index] = failed(outcome) ? subscribeReason(outcome.error) : qos
    }
    if (!failed(outcome)) client.subscriptions.set(subscriptionOf(each, outcome.ok.id))
  })
  if (client.phase !== 'open') return
  writeSubscribeAck(client.output.writer, PacketType.suback, packet.packetId, reasons, client.version)
  await Promise.all([...logs].map(([text, { name, own }]) => attach(client, name, own ? undefined : text)))
  if (client.gone) return
  // Who may not subscribe gets none of them either.
  client.outbox.release(promised.flatMap((each, i) => (failed(defined[i]!) ? [] : each)))
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
  const granted = [{ index, qos }]
  return { text, way, qos, noLocal, retainAsPublished, identifier, filter: parsed.filter, granted, replaying, fresh }
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

/** A filter that now leads elsewhere (another QoS) has a new route; the old one goes, if that one could be made. */
async function dropFormer(client: Client, wanted: readonly Wanted[]): Promise<void> {
  const { broker } = client.hub
  const moved = wanted.flatMap(({ text, way }) => {
    const former = client.subscriptions.get(text)
    return former === undefined || former.way === way ? [] : [{ text, way, route: former.route }]
  })
  if (moved.length === 0) return
  const made = new Set(client.subscriptions.written(broker.routes(client.session), client.session))
  const former = moved.filter(({ text, way }) => made.has(`${way} ${text}`))
  await broker.drop(former.map(({ route }) => ({ id: route })))
}

/** The retained messages that it gets, as of now. */
function promiseTo(client: Client, { text, filter, qos, identifier }: Wanted): Promised[] {
  const { broker, namespace } = client.hub
  const own = identifier === undefined ? noProperties : { subscriptionIdentifiers: [identifier] }
  const terms = { qos, retainAsPublished: true, own, retained: true }
  return [{ filter: text, pages: broker.retained(namespace, patternOf(filter)), terms }]
}
