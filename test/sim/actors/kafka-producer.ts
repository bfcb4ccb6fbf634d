import { BatchBuilder, type BatchProducer } from '../../../src/log/index.ts'
import { APIS } from '../../../src/protocols/kafka/wire/apis.ts'
import { payloadOf, Violation } from '../audit/index.ts'
import { KafkaClient, topicName } from './kafka.ts'
import { placesOf, topicPartitions } from './scene.ts'
import type { Subscriber } from './mqtt-subscriber.ts'
import type { Scene } from './scene.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'

/** Error codes after which nobody knows: the storage has failed, or the broker is busy with it. */
const transient = new Set([7, 8, 56])
const outOfOrder = 45
const duplicate = 46

/** One batch at a time; an idempotent one again and again with the same number, until it is acknowledged. */
export class KafkaProducer extends KafkaClient {
  private number = 0
  private producer: BatchProducer | null = null
  private pending: { ids: string[]; partition: number } | null = null
  private readonly idempotent: boolean
  private readonly subscriber: Subscriber

  constructor(scene: Scene, name: string, random: SimRandom, subscriber: Subscriber, idempotent: boolean) {
    super(scene, name, random)
    this.subscriber = subscriber
    this.idempotent = idempotent
  }

  /** What was answered with an error comes again. */
  override get resting(): boolean {
    return super.resting && this.pending === null
  }

  protected async converse(): Promise<void> {
    if (this.idempotent && this.producer === null) {
      const asked = { transactionalId: null, transactionTimeoutMs: 1000 }
      const { errorCode, producerId, producerEpoch } = await this.ask(APIS.initProducerId, 1, asked)
      if (errorCode !== 0) return
      this.producer = { id: producerId, epoch: producerEpoch, sequence: 0 }
    }
    while (!this.scene.over) {
      await this.rest(this.random.below(60))
      if (this.pending === null && this.scene.quiet) continue
      this.pending ??= this.next()
      await this.produce(this.pending)
    }
  }

  private next(): { ids: string[]; partition: number } {
    const ids = Array.from({ length: 1 + this.random.below(4) }, () => `${this.name}:${this.number++}`)
    for (const id of ids) this.scene.auditor.sends(id, ...placesOf('eu', this.subscriber))
    return { ids, partition: this.idempotent ? 0 : this.random.below(topicPartitions) }
  }

  private async produce({ ids, partition }: { ids: string[]; partition: number }): Promise<void> {
    const builder = new BatchBuilder()
    for (const id of ids) builder.add(1000, Buffer.from(id), payloadOf(id))
    const records = builder.finish(this.producer)
    if (!this.idempotent) this.pending = null
    const { responses } = await this.ask(APIS.produce, 7, {
      acks: -1,
      // A slow disk takes longer: then the same batch comes again, if it is numbered.
      timeoutMs: this.idempotent ? 150 : 30_000,
      transactionalId: null,
      topicData: [{ name: topicName, partitionData: [{ index: partition, records }] }],
    })
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
    if (errorCode === outOfOrder || errorCode === duplicate) {
      throw new Violation(`${this.name}: error ${errorCode} for ${ids[0]}, which is next in order`)
    }
    if (errorCode !== 0) {
      this.note(`error ${errorCode} for ${ids[0]}`)
      if (!transient.has(errorCode)) throw new Violation(`${this.name}: error ${errorCode} for ${ids[0]}`)
      return
    }
    this.note(`acked ${ids.join(' ')} at ${partition}@${baseOffset}`)
    ids.forEach((id, i) => this.scene.auditor.acked(id, { place: 'topic', partition, offset: baseOffset + i }))
    if (this.producer !== null) this.producer.sequence += ids.length
    this.pending = null
  }
}
