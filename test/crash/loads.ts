import amqp from 'amqplib'
import { Kafka, logLevel } from 'kafkajs'
import mqtt from 'mqtt'

/** Publishes numbers, one after another, with a real client, and knows which of them were acknowledged. */
export interface Load {
  readonly name: string
  /** Makes the queue, topic or subscription that must survive. */
  prepare(port: number): Promise<void>
  /** Publishes from `first` on until the broker dies or `stopped()`; each acknowledged number goes to `acked`. */
  run(port: number, first: number, acked: (n: number) => void, stopped: () => boolean): Promise<number>
  /** Everything that is there, in order, once `count` different numbers have come and nothing more does. */
  drain(port: number, count: number): Promise<number[]>
}

const quietMs = 500

/** Collects numbers until `count` different ones are there and nothing has come for a while. */
class Collector {
  readonly seen: number[] = []
  private readonly distinct = new Set<number>()
  private changed = Date.now()

  add(n: number): void {
    this.seen.push(n)
    this.distinct.add(n)
    this.changed = Date.now()
  }

  async done(count: number): Promise<number[]> {
    for (;;) {
      const quietFor = Date.now() - this.changed
      if (this.distinct.size >= count ? quietFor > quietMs : quietFor > 10_000) return this.seen
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

function kafka(port: number): Kafka {
  return new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    requestTimeout: 2000,
    connectionTimeout: 1000,
    retry: { retries: 0 },
  })
}

/** Batches of ten with acks=all; `idempotent` as the Java producer does by default. */
export function kafkaLoad(idempotent: boolean): Load {
  const topic = 'survivors'
  return {
    name: idempotent ? 'Kafka, idempotent' : 'Kafka, acks=all',
    async prepare(port) {
      const admin = kafka(port).admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
      await admin.disconnect()
    },
    async run(port, first, acked, stopped) {
      const retry = { retries: idempotent ? 1 : 0 } // without any, kafkajs refuses to be idempotent
      const producer = kafka(port).producer({ idempotent, maxInFlightRequests: 1, retry })
      let next = first
      try {
        await producer.connect()
        while (!stopped()) {
          const batch = Array.from({ length: 10 }, (_, i) => next + i)
          next += 10
          await producer.send({ topic, acks: -1, messages: batch.map((n) => ({ value: String(n) })) })
          batch.forEach(acked)
        }
      } catch {
        // The broker was killed: what was not acknowledged by now never will be.
      }
      void producer.disconnect().catch(() => undefined)
      return next
    },
    async drain(port, count) {
      const consumer = kafka(port).consumer({ groupId: `drain-${Date.now()}`, maxWaitTimeInMs: 100 })
      const collector = new Collector()
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({
        eachMessage: async ({ message }) => {
          collector.add(Number(message.value!.toString()))
          await Promise.resolve()
        },
      })
      const seen = await collector.done(count)
      await consumer.disconnect()
      return seen
    },
  }
}

/** Up to 100 unconfirmed persistent messages in flight to a durable queue. */
export function amqpLoad(): Load {
  const queue = 'survivors'
  const connect = async (port: number): Promise<amqp.ChannelModel> => {
    const connection = await amqp.connect(`amqp://guest:guest@127.0.0.1:${port}`)
    connection.on('error', () => undefined)
    return connection
  }
  return {
    name: 'AMQP, confirms',
    async prepare(port) {
      const connection = await connect(port)
      const channel = await connection.createChannel()
      await channel.assertQueue(queue, { durable: true })
      await connection.close()
    },
    async run(port, first, acked, stopped) {
      let next = first
      let inFlight = 0
      const state = { dead: false }
      let connection: amqp.ChannelModel
      try {
        connection = await connect(port)
      } catch {
        return next
      }
      connection.on('close', () => (state.dead = true))
      const channel = await connection.createConfirmChannel()
      channel.on('error', () => undefined)
      while (!state.dead && !stopped()) {
        while (inFlight < 100) {
          const n = next++
          inFlight++
          channel.sendToQueue(queue, Buffer.from(String(n)), { persistent: true }, (refused: unknown) => {
            inFlight--
            if (refused === null) acked(n)
          })
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
      if (!state.dead) await connection.close().catch(() => undefined)
      return next
    },
    async drain(port, count) {
      const connection = await connect(port)
      const channel = await connection.createChannel()
      const collector = new Collector()
      await channel.consume(queue, (message) => {
        collector.add(Number(message!.content.toString()))
      })
      const seen = await collector.done(count)
      await connection.close()
      return seen
    },
  }
}

/** Up to 50 unacknowledged publishes in flight, to the stored session of an absent subscriber. */
export function mqttLoad(qos: 1 | 2): Load {
  const subscriber = (port: number): mqtt.MqttClient =>
    mqtt.connect(`mqtt://127.0.0.1:${port}`, {
      protocolVersion: 5,
      clientId: 'survivor',
      clean: false,
      reconnectPeriod: 0,
      properties: { sessionExpiryInterval: 0xfffffffe },
    })
  return {
    name: `MQTT, QoS ${qos}`,
    async prepare(port) {
      const client = subscriber(port)
      await client.subscribeAsync('survivors/#', { qos })
      await client.endAsync()
    },
    async run(port, first, acked, stopped) {
      let next = first
      let inFlight = 0
      const state = { dead: false }
      const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, reconnectPeriod: 0 })
      client.on('error', () => undefined)
      client.on('close', () => (state.dead = true))
      while (!state.dead && !stopped()) {
        while (inFlight < 50) {
          const n = next++
          inFlight++
          client.publish('survivors/n', String(n), { qos }, (error) => {
            inFlight--
            if (!(error instanceof Error)) acked(n)
          })
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
      if (!state.dead) await client.endAsync()
      return next
    },
    async drain(port, count) {
      const collector = new Collector()
      const client = subscriber(port)
      client.on('message', (_topic, body) => {
        collector.add(Number(body.toString()))
      })
      const seen = await collector.done(count)
      await client.endAsync()
      return seen
    },
  }
}
