import { Kafka, logLevel, type Producer } from 'kafkajs'
import { Sequence } from '../sequence.ts'
import { sleep, type Counts, type Load, type Ports } from './load.ts'

const topic = 'kill.acks-all'
const batchSize = 10
const pauseMs = 20

/** Batches of ten with acks=all from a producer that is not idempotent; the same batch again until it is answered. */
export class KafkaLoad implements Load {
  readonly name = 'Kafka, acks=all'
  private readonly seen = new Sequence({ name: topic, again: true })
  private kafka: Kafka | undefined
  private producer: Producer | undefined
  private acked = 0
  private stopping = false
  private running: Promise<void> = Promise.resolve()

  async start(ports: Ports): Promise<void> {
    this.kafka = new Kafka({
      brokers: [`127.0.0.1:${ports.kafka}`],
      logLevel: logLevel.NOTHING,
      requestTimeout: 3000,
      connectionTimeout: 1000,
      retry: { initialRetryTime: 50, maxRetryTime: 200, retries: 5 },
    })
    const admin = this.kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
    await admin.disconnect()
    this.producer = this.kafka.producer({ idempotent: false, maxInFlightRequests: 1 })
    await this.producer.connect()
    this.running = this.produce(this.producer)
  }

  private async produce(producer: Producer): Promise<void> {
    while (!this.stopping) {
      const messages = Array.from({ length: batchSize }, (_, i) => ({ value: String(this.acked + i) }))
      try {
        await producer.send({ topic, acks: -1, messages })
        this.acked += batchSize
      } catch {
        // Not answered: perhaps it is there and perhaps not.
      }
      await sleep(pauseMs)
    }
  }

  /** Reads the topic from its start to its end: what was never answered may be there, too. */
  async stop(): Promise<void> {
    this.stopping = true
    await this.running
    const consumer = this.kafka!.consumer({ groupId: 'kill.reader', maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    let wrong: Error | undefined
    await consumer.run({
      eachMessage: ({ message }) => {
        try {
          this.seen.see(Number(message.value?.toString()))
        } catch (error) {
          wrong ??= error as Error
        }
        return Promise.resolve()
      },
    })
    while (this.seen.next < this.acked && wrong === undefined) await sleep(20)
    await consumer.disconnect()
    if (wrong !== undefined) throw wrong
  }

  counts(): Counts[] {
    return [{ acked: this.acked, seen: this.seen.next, duplicates: this.seen.duplicates, confirmed: 0 }]
  }

  async close(): Promise<void> {
    this.stopping = true
    await this.running
    await this.producer?.disconnect()
  }
}
