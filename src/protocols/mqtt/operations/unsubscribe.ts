import type { Client } from '../client.ts'
import { detachShared } from '../sources.ts'
import { shared } from '../subscriptions.ts'
import { PacketType, Reason, writeSubscribeAck } from '../wire/index.ts'
import type { UnsubscribePacket } from '../wire/index.ts'

/** UNSUBSCRIBE (MQTT 5 section 3.10): the routes go; what they had brought so far is still delivered. */
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
  await Promise.all(waits)
  if (client.phase !== 'open') return
  writeSubscribeAck(client.output.writer, PacketType.unsuback, packet.packetId, reasons, client.version)
}
