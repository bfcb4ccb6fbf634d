import { failed, type Outcome } from '../../../base/index.ts'
import { BatchBuilder } from '../../../log/index.ts'
import type { Opened, OpenOptions, PublishOp } from '../../../core/index.ts'
import { finishTurn } from '../answer.ts'
import { Pause } from '../client.ts'
import type { Client } from '../client.ts'
import { connectReason } from '../errors.ts'
import { keepAliveFactor, neverExpires, storageWaitMs } from '../limits.ts'
import { recordParts } from '../mapping.ts'
import { logOfTopic } from '../names.ts'
import { attachAll } from '../sources.ts'
import { Reason, writeConnack } from '../wire/index.ts'
import type { ConnectPacket, Properties, ReasonCode, Will } from '../wire/index.ts'

/**
 * CONNECT (MQTT 5 section 3.1): finds or makes the session, takes it over from another connection, and says what this
 * server can do. Packets that follow wait until it is done.
 */
export async function connect(client: Client, packet: ConnectPacket): Promise<void> {
  const { hub } = client
  const refusal = refusalOf(packet)
  if (refusal !== undefined) return client.end(refusal, 'error')
  client.phase = 'opening'
  client.parser.suspend()
  client.pause(Pause.opening)
  const assigned = packet.clientId === ''
  client.clientId = assigned ? `auto-${hub.random.bytes(12).toString('hex')}` : packet.clientId
  client.keepMs = keepMsOf(client, packet)
  client.receiveMaximum = packet.properties.receiveMaximum ?? 65_535
  client.sendAliasMaximum = packet.properties.topicAliasMaximum ?? 0
  client.sendBytesMax = packet.properties.maximumPacketSize ?? Infinity
  // a session that is there already may be given messages before we know it
  if (!packet.clean) client.outbox.hold()
  const opened = await open(client, optionsOf(client, packet))
  if (failed(opened)) return client.end(connectReason(opened.error), 'error', opened.detail)
  client.session = opened.ok.session
  client.epoch = opened.ok.epoch
  if (client.gone) return client.receiver.leave()
  client.phase = 'open'
  const keepAliveSeconds = Math.min(packet.keepAliveSeconds || Infinity, hub.settings.keepAliveSecondsMax)
  greet(client, packet, opened.ok, assigned, keepAliveSeconds)
  const unlimited = packet.keepAliveSeconds === 0 && keepAliveSeconds === 65_535
  hub.keepAlive.watch(client, unlimited ? 0 : keepAliveSeconds * 1000 * keepAliveFactor)
  if (opened.ok.resumed) await resume(client, opened.ok)
  begin(client, packet)
}

/**
 * While the storage has failed CONNECT is not answered. Clients wait for that, and some never come back after a CONNACK
 * that refuses them; after a while the connection is closed without one, which section 3.1.4 allows, and they try again.
 */
async function open(client: Client, options: OpenOptions): Promise<Outcome<Opened>> {
  const { broker, keepAlive } = client.hub
  let opened = await broker.open(options, client.receiver)
  if (!isDown(opened)) return opened
  keepAlive.watch(client, storageWaitMs)
  while (isDown(opened) && !client.gone && (await broker.available())) {
    opened = await broker.open(options, client.receiver)
  }
  return opened
}

const isDown = (opened: Outcome<Opened>): boolean => failed(opened) && opened.error === 'unavailable'

/** From here on packets and messages flow. */
function begin(client: Client, packet: ConnectPacket): void {
  if (client.gone) return
  if (!packet.clean) client.outbox.release()
  finishTurn(client)
  client.parser.packetBytesMax = client.hub.settings.packetBytesMax
  client.resume(Pause.opening)
  client.parser.resume()
  // the rest of CONNECT's own chunk may have asked for something
  finishTurn(client)
}

function refusalOf(packet: ConnectPacket): ReasonCode | undefined {
  // MQTT 3.1 demands an identifier; 3.1.1 does for a session that is to stay (MQTT-3.1.3-8)
  if (packet.clientId === '' && (packet.version === 3 || (packet.version === 4 && !packet.clean))) {
    return Reason.clientIdentifierNotValid
  }
  // A will is published, and a log is no address.
  if (packet.will !== undefined && logOfTopic(packet.will.topic) !== undefined) return Reason.topicNameInvalid
  return packet.properties.authenticationMethod === undefined ? undefined : Reason.badAuthenticationMethod
}

function keepMsOf({ hub }: Client, packet: ConnectPacket): number {
  const asked = packet.version === 5 ? (packet.properties.sessionExpiryInterval ?? 0) : packet.clean ? 0 : neverExpires
  return expiryMs(Math.min(asked, hub.settings.sessionExpirySecondsMax))
}

export function expiryMs(seconds: number): number {
  return seconds === neverExpires ? Infinity : seconds * 1000
}

function optionsOf(client: Client, packet: ConnectPacket): OpenOptions {
  const { hub, keepMs } = client
  const will = packet.will
  // The end of the session comes first where that is earlier, which DISCONNECT may still change.
  const delayMs = (will?.properties.willDelayInterval ?? 0) * 1000
  return {
    namespace: hub.namespace,
    user: packet.user ?? 'anonymous',
    name: `mqtt:${client.clientId}`,
    ifActive: 'takeOver',
    keepMs,
    clean: packet.clean,
    client: { protocol: 'mqtt', address: client.peer.address },
    ...(will === undefined ? {} : { wills: [{ publish: publishOf(client, will), delayMs }] }),
  }
}

function publishOf({ hub }: Client, will: Will): PublishOp {
  const { key, envelope } = recordParts(will.properties, will.qos, will.retain)
  const builder = new BatchBuilder()
  builder.add(hub.clock.wall(), key, will.payload, envelope)
  return {
    op: 'publish',
    to: [{ space: hub.space, levels: hub.topics.of(will.topic) }],
    batch: builder.finish(),
    foreign: true,
    retain: will.retain,
  }
}

function greet(
  client: Client,
  packet: ConnectPacket,
  opened: Opened,
  assigned: boolean,
  keepAliveSeconds: number,
): void {
  const { settings } = client.hub
  const properties: Properties = {
    receiveMaximum: settings.receiveMaximum,
    maximumPacketSize: settings.packetBytesMax,
  }
  if (settings.topicAliasMaximum > 0) properties.topicAliasMaximum = settings.topicAliasMaximum
  if (assigned) properties.assignedClientIdentifier = client.clientId
  const asked = packet.properties.sessionExpiryInterval ?? 0
  if (client.keepMs !== expiryMs(asked)) properties.sessionExpiryInterval = Math.round(client.keepMs / 1000)
  if (packet.keepAliveSeconds !== keepAliveSeconds && keepAliveSeconds < 65_535) {
    properties.serverKeepAlive = keepAliveSeconds
  }
  writeConnack(client.output.writer, opened.resumed, Reason.success, properties, packet.version)
  client.output.flush()
}

/** An earlier connection's subscriptions, and the QoS 2 messages that are between two of their packets. */
async function resume(client: Client, opened: Opened): Promise<void> {
  client.received.restore(opened.saved)
  client.released.restore(opened.saved)
  if (client.released.size > 0) client.outbox.resume(client.released)
  client.subscriptions.restore(client.hub.broker.routes(client.session), client.session, opened.saved)
  client.output.flush()
  await attachAll(client)
}
