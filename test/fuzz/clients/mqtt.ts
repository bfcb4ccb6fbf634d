import mqtt, { type IClientOptions, type IClientPublishOptions, type MqttClient } from 'mqtt'
import { pause, type Endpoint, type Recording } from './recording.ts'

interface Client {
  mqtt: MqttClient
  received: string[]
}

async function connected({ host, port }: Endpoint, options: IClientOptions): Promise<Client> {
  const client = mqtt.connect({ host, port, reconnectPeriod: 0, keepalive: 1, ...options })
  const received: string[] = []
  client.on('message', (topic) => received.push(topic))
  client.on('error', () => undefined)
  await new Promise<void>((resolve) => client.once('connect', () => resolve()))
  return { mqtt: client, received }
}

const will = { topic: 'gone/a', payload: Buffer.from('bye'), qos: 1, retain: true } as const

async function subscriber(broker: Endpoint, options: IClientOptions): Promise<Client> {
  const client = await connected(broker, { ...options, clientId: 'reader', clean: false })
  await client.mqtt.subscribeAsync('a/#', { qos: 2 })
  await client.mqtt.subscribeAsync({ '+/b': { qos: 0 }, 'c/é': { qos: 1 } })
  await client.mqtt.unsubscribeAsync('+/b')
  return client
}

async function session(broker: Endpoint, options: IClientOptions, more: IClientPublishOptions): Promise<void> {
  const reader = await subscriber(broker, options)
  const writer = await connected(broker, { ...options, clientId: 'writer', username: 'guest', password: 'guest', will })
  for (const qos of [0, 1, 2] as const) {
    await writer.mqtt.publishAsync('a/x', `message ${qos}`, { qos, ...more })
    await writer.mqtt.publishAsync('c/é', Buffer.alloc(300, qos), { qos, retain: true, ...more })
  }
  while (reader.received.length < 6) await pause(20)
  // Comes back to its session: what was published meanwhile is waiting.
  await reader.mqtt.endAsync()
  await writer.mqtt.publishAsync('a/y', 'while away', { qos: 2 })
  const again = await connected(broker, { ...options, clientId: 'reader', clean: false })
  while (again.received.length < 1) await pause(20)
  // A PINGREQ or two.
  await pause(1500)
  writer.mqtt.stream.destroy()
  await again.mqtt.endAsync()
}

async function version5(broker: Endpoint): Promise<void> {
  const properties = {
    sessionExpiryInterval: 60,
    receiveMaximum: 5,
    topicAliasMaximum: 4,
    requestProblemInformation: true,
  }
  const options: IClientOptions = { protocolVersion: 5, properties, autoAssignTopicAlias: true }
  await session(broker, options, {
    properties: {
      ...{ payloadFormatIndicator: false, messageExpiryInterval: 60, responseTopic: 'answers/1', contentType: 'a/b' },
      ...{ correlationData: Buffer.from([0, 1, 255]), userProperties: { one: '1', many: ['2', '3'] } },
    },
  })
  const shared = await connected(broker, { ...options, clientId: '' })
  await shared.mqtt.subscribeAsync('$share/group/a/+', {
    ...{ qos: 1, nl: false, rap: true, rh: 1 },
    properties: { subscriptionIdentifier: 7, userProperties: { why: 'capture' } },
  })
  await shared.mqtt.publishAsync('a/x', 'shared', { qos: 1, properties: { topicAlias: 1 } })
  await shared.mqtt.publishAsync('', 'shared', { qos: 1, properties: { topicAlias: 1 } })
  await pause(100)
  await shared.mqtt.endAsync(false, { reasonCode: 4, properties: { sessionExpiryInterval: 0 } })
}

export const recordingsOfMqtt: readonly Recording[] = [
  {
    ...{ name: 'mqtt-mqttjs-3', protocol: 'mqtt', client: 'MQTT.js 5.16.0, MQTT 3.1.1' },
    drive: (broker) => session(broker, { protocolVersion: 4 }, {}),
  },
  { name: 'mqtt-mqttjs-5', protocol: 'mqtt', client: 'MQTT.js 5.16.0, MQTT 5', drive: version5 },
]
