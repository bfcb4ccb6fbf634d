import amqp from 'amqplib'
import kafkajs, { Kafka, logLevel } from 'kafkajs'
import { compressFrameSync, decompressFrameSync } from 'lz4-napi'
import { connectAsync, type MqttClient } from 'mqtt'
import type { SpawnedBroker } from '../../support/index.ts'

// kafkajs brings gzip only; a codec is what it calls `compress` and `decompress` of.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
  compress: (encoder: { buffer: Buffer }) => Promise.resolve(compressFrameSync(encoder.buffer)),
  decompress: (bytes: Buffer) => Promise.resolve(decompressFrameSync(bytes)),
})

export const kafkaOf = (broker: SpawnedBroker): Kafka =>
  new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING })

export async function amqpOf(broker: SpawnedBroker): Promise<amqp.ChannelModel> {
  const connection = await amqp.connect(`amqp://guest:guest@${broker.address('amqp')}`)
  connection.on('error', () => undefined)
  return connection
}

/** A session that never expires, or (without a name) a clean one. */
export function mqttOf(broker: SpawnedBroker, clientId?: string): Promise<MqttClient> {
  const options = { protocolVersion: 5, reconnectPeriod: 0 } as const
  const session = { clean: false, properties: { sessionExpiryInterval: 0xffffffff } }
  return connectAsync(
    `mqtt://${broker.address('mqtt')}`,
    clientId === undefined ? options : { ...options, ...session, clientId },
  )
}
