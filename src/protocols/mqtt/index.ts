import type { Peer, Protocol, ProtocolContext, Session } from '../../server/index.ts'
import { Hub } from './hub.ts'
import { MqttSession } from './session.ts'
import { mqttSettings } from './settings.ts'

const hubs = new WeakMap<ProtocolContext, Hub>()

/** MQTT 3.1, 3.1.1 and 5, over TCP and WebSocket. */
export const mqtt: Protocol = {
  name: 'mqtt',
  listeners: [
    { name: 'mqtt', port: 1883, transport: 'tcp' },
    {
      name: 'mqtt-ws',
      port: 8083,
      transport: 'websocket',
      // Clients of 3.1 ask for the second.
      subprotocols: ['mqtt', 'mqttv3.1'],
      path: '/mqtt',
    },
  ],
  settings: mqttSettings,
  open(peer: Peer, context: ProtocolContext): Session {
    let hub = hubs.get(context)
    if (hub === undefined) hubs.set(context, (hub = new Hub(context)))
    return new MqttSession(peer, hub)
  },
}
