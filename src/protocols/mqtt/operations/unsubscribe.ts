import type { Client } from '../client.ts'
import { detachShared } from '../sources.ts'
import { shared } from '../subscriptions.ts'
import { PacketType, Reason, writeSubscribeAck } from '../wire/index.ts'
import type { UnsubscribePacket } from '../wire/index.ts'

/**
 * UNSUBSCRIBE (MQTT 5 section 3.10): the routes go. What they had brought so far is still delivered; retained messages
 * that were not sent yet are not.
 */
export async function unsubscribe(client: Client, packet: UnsubscribePacket): Promise<void> {
  const { broker } = client.hub
  const reasons = packet.filters.map(() => Reason.noSubscriptionExisted as number)
  const waits: Promise<unknown>[] = []
  packet.filters.forEach((text, i) => {
    const subscription = client.subscriptions.get(text)
    if (subscription === undefined) return
    reasons[i] = Reason.success
    client.subscriptions.delete(text)
    if (shared(subscription)) waits.push(detachShared(client, subscription))
    waits.push(broker.drop([{ id: subscription.route }]))
  })
  if (client.hasOutbox) client.outbox.forget(packet.filters)
  await Promise.all(waits)
  if (client.phase !== 'open') return
  writeSubscribeAck(client.output.writer, PacketType.unsuback, packet.packetId, reasons, client.version)
}
