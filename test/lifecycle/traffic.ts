import amqplib from 'amqplib'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { connectAsync, type MqttClient } from 'mqtt'
import type { TestContext } from 'node:test'
import type { SpawnedBroker } from '../support/index.ts'

/** Numbers from 0 on: those below `acked` were acknowledged, none from `begun` on was sent. */
export interface Count {
  acked: number
  begun: number
}

export interface Counts {
  kafka: Count
  committed: Count
  amqp: Count
  mqtt: Count
}

const body = (value: number): string => String(value).padEnd(2000, '.')

/**
 * One client of each protocol that publishes numbers, each after the acknowledgement of the one before: to a Kafka topic
 * and its group's offset, to an AMQP queue whose even ones a consumer acknowledges, to an MQTT topic that is retained
 * and that a session without a connection has subscribed.
 */
export class Traffic {
  readonly counts: Counts = {
    kafka: { acked: 0, begun: 0 },
    committed: { acked: 0, begun: 0 },
    amqp: { acked: 0, begun: 0 },
    mqtt: { acked: 0, begun: 0 },
  }
  /** How long each publish to Kafka took, ms. */
  readonly kafkaMs: number[] = []
  private readonly broker: SpawnedBroker
  private readonly loops: Promise<void>[] = []
  private readonly leave: (() => Promise<unknown>)[] = []
  private stopped = false

  constructor(t: TestContext, broker: SpawnedBroker) {
    this.broker = broker
    t.after(() => this.stop())
  }

  async start(): Promise<void> {
    await Promise.all([this.kafka(), this.amqp(), this.mqtt()])
  }

  private async loop(count: Count, publish: (value: number) => Promise<unknown>): Promise<void> {
    while (!this.stopped) {
      const value = count.begun++
      await publish(value)
      count.acked = value + 1
    }
  }

  private async kafka(): Promise<void> {
    const kafka = new Kafka({ brokers: [this.broker.address('kafka')], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    const producer: Producer = kafka.producer({ allowAutoTopicCreation: false })
    await Promise.all([admin.connect(), producer.connect()])
    this.leave.push(
      () => admin.disconnect(),
      () => producer.disconnect(),
    )
    await admin.createTopics({ topics: [{ topic: 'numbers', numPartitions: 1 }] })
    const { kafka: sent, committed } = this.counts
    const send = async (value: number): Promise<void> => {
      const began = performance.now()
      await producer.send({ topic: 'numbers', acks: -1, messages: [{ value: body(value) }] })
      this.kafkaMs.push(performance.now() - began)
    }
    const commit = async (value: number): Promise<void> => {
      const partitions = [{ partition: 0, offset: String(value) }]
      await admin.setOffsets({ groupId: 'readers', topic: 'numbers', partitions })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    this.loops.push(this.loop(sent, send), this.loop(committed, commit))
  }

  private async amqp(): Promise<void> {
    const connection = await amqplib.connect(`amqp://${this.broker.address('amqp')}`)
    this.leave.push(() => connection.close())
    const channel = await connection.createConfirmChannel()
    await channel.assertQueue('work', { durable: true })
    const consuming = await connection.createChannel()
    await consuming.prefetch(0)
    await consuming.consume('work', (message) => {
      if (message !== null && parseInt(message.content.toString()) % 2 === 0) consuming.ack(message)
    })
    const publish = (value: number): Promise<void> =>
      new Promise((resolve, reject) => {
        channel.sendToQueue('work', Buffer.from(body(value)), { persistent: true }, (error) => {
          if (error === null) resolve()
          else reject(error as Error)
        })
      })
    this.loops.push(this.loop(this.counts.amqp, publish))
  }

  private async mqtt(): Promise<void> {
    const url = `mqtt://${this.broker.address('mqtt')}`
    const absent = await connectAsync(url, { ...session, clean: true })
    await absent.endAsync()
    const before = await connectAsync(url, session)
    await before.subscribeAsync('state/#', { qos: 1 })
    await before.endAsync()
    const client: MqttClient = await connectAsync(url)
    this.leave.push(() => client.endAsync())
    const publish = (value: number): Promise<unknown> =>
      client.publishAsync('state/now', body(value), { qos: 1, retain: true })
    this.loops.push(this.loop(this.counts.mqtt, publish))
  }

  async stop(): Promise<void> {
    if (this.stopped) return
    this.stopped = true
    await Promise.allSettled(this.loops)
    await Promise.allSettled(this.leave.map((each) => each()))
  }
}

/** Of the session that is without a connection while messages come. */
export const session = {
  clientId: 'absent',
  clean: false,
  protocolVersion: 5,
  properties: { sessionExpiryInterval: 3600 },
} as const
