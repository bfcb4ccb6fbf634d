import type { Client } from '../client.ts'
import { Reason, Violation } from '../wire/index.ts'
import type { DisconnectPacket } from '../wire/index.ts'
import { expiryMs } from './connect.ts'

/**
 * DISCONNECT (MQTT 5 section 3.14): an orderly end. With reason 0 the will is forgotten (MQTT-3.14.4-3); a session
 * that was to end with its connection cannot be made to stay now (MQTT-3.14.2-2).
 */
export function disconnect(client: Client, packet: DisconnectPacket): void {
  const seconds = packet.properties.sessionExpiryInterval
  if (seconds !== undefined) {
    if (!client.persistent && seconds > 0) {
      throw new Violation(Reason.protocolError, 'session expiry was 0 and cannot be raised')
    }
    client.keepMs = expiryMs(Math.min(seconds, client.hub.settings.sessionExpirySecondsMax))
  }
  if (packet.reason === Reason.success) client.wills = 'drop'
  client.left()
}
