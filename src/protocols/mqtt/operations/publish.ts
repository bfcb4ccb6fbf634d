import type { Client } from '../client.ts'
import { aliasBytes, aliasBytesMin } from '../limits.ts'
import { logOfTopic } from '../names.ts'
import { digestOf } from '../received-ids.ts'
import type { Addressed, Target } from '../turn.ts'
import { PacketType, Reason, Violation } from '../wire/index.ts'
import type { PublishFrame } from '../wire/index.ts'

/**
 * PUBLISH (MQTT 5 section 3.3). The message joins the turn's batch; its PUBACK or PUBREC follows when it is durable.
 * A QoS 2 message is remembered by its packet identifier until PUBREL, over reconnects too: once means once.
 */
export function publish(client: Client, frame: PublishFrame): void {
  const { topic, target } = addressed(client, frame)
  const digest = frame.qos === 2 ? digestOf(topic, frame.payload) : 0
  const is = frame.qos === 2 ? client.received.meet(frame.packetId, digest) : 'new'
  if (is !== 'new') {
    // Before MQTT 5 there are no words for it.
    const reason = is === 'inUse' && client.version === 5 ? Reason.packetIdentifierInUse : Reason.success
    client.turn.owe(PacketType.pubrec, frame.packetId, -1, reason)
    return
  }
  if (frame.qos > 0) limit(client)
  client.hub.metrics.messagesIn++
  const { turn } = client
  turn.publish(frame, topic, target, client.hub.clock)
  if (frame.qos === 1) turn.oweLast(PacketType.puback, frame.packetId)
  if (frame.qos === 2) {
    client.received.add(frame.packetId, digest, { op: turn.lastOp, record: turn.lastRecord })
    turn.oweLast(PacketType.pubrec, frame.packetId)
  }
}

/** Section 3.3.4: more unacknowledged messages than we said we take. Older versions know no such limit. */
function limit(client: Client): void {
  client.unacknowledged++
  if (client.version === 5 && client.unacknowledged > client.hub.settings.receiveMaximum) {
    throw new Violation(Reason.receiveMaximumExceeded, 'more unacknowledged messages than the receive maximum')
  }
}

function addressed(client: Client, { topic, properties }: PublishFrame): Addressed {
  const alias = properties.topicAlias
  if (alias === undefined) return { topic, target: targetOf(client, topic) }
  if (alias > client.hub.settings.topicAliasMaximum) {
    throw new Violation(Reason.topicAliasInvalid, `topic alias ${alias} is above the maximum`)
  }
  client.topicAliases ??= new Map()
  if (topic !== '') {
    countAlias(client, topic.length - (client.topicAliases.get(alias)?.topic.length ?? 0))
    const named = { topic, target: targetOf(client, topic) }
    client.topicAliases.set(alias, named)
    return named
  }
  const known = client.topicAliases.get(alias)
  if (known === undefined) throw new Violation(Reason.protocolError, `topic alias ${alias} was never set`)
  return known
}

function countAlias(client: Client, bytes: number): void {
  client.topicAliasBytes += bytes
  if (client.topicAliasBytes > Math.max(aliasBytesMin, client.hub.settings.topicAliasMaximum * aliasBytes)) {
    throw new Violation(Reason.quotaExceeded, 'the topics of the aliases are too long')
  }
}

function targetOf({ hub }: Client, topic: string): Target {
  const log = logOfTopic(topic)
  if (log !== undefined) return { log: { namespace: hub.namespace, name: log } }
  return { to: [{ space: hub.space, levels: hub.topics.of(topic) }] }
}
