import type { Client } from '../client.ts'
import { PacketType, Reason } from '../wire/index.ts'
import type { AckType, ReasonCode } from '../wire/index.ts'

/** PUBACK, PUBREC, PUBREL, PUBCOMP: the rest of a QoS 1 or 2 message's way (MQTT 5 section 4.3). */
export function acknowledge(client: Client, type: AckType, packetId: number, reason: ReasonCode): void {
  switch (type) {
    case PacketType.puback:
      return client.outbox.acknowledged(packetId)
    case PacketType.pubrec:
      return client.outbox.received(packetId, reason)
    case PacketType.pubrel:
      return release(client, packetId)
    case PacketType.pubcomp:
      return client.outbox.completed(packetId)
  }
}

/**
 * PUBREL: the client is done with this identifier, and may use it for another message once it has our PUBCOMP; so that
 * goes out only when forgetting it is durable.
 */
function release(client: Client, packetId: number): void {
  const known = client.received.delete(packetId)
  client.turn.owe(PacketType.pubcomp, packetId, -1, known ? Reason.success : Reason.packetIdentifierNotFound)
}
