import type { SimRandom } from '../../../src/world/sim/random.ts'
import { BatchBuilder, RecordTable } from '../../../src/log/index.ts'
import { APIS } from '../../../src/protocols/kafka/wire/apis.ts'
import { payloadOf, Violation } from '../audit/index.ts'
import type { Changing } from './changing.ts'
import { KafkaClient } from './kafka.ts'
import type { Scene } from './scene.ts'

const unknownTopic = 3
const alreadyExists = 36

/** Makes a topic, writes to it, reads it from its beginning, deletes it, and makes it again. */
export class KafkaOwner extends KafkaClient {
  private readonly topic: Changing
  private number = 0

  constructor(scene: Scene, name: string, random: SimRandom) {
    super(scene, name, random)
    this.topic = scene.changing.topic
  }

  protected async converse(): Promise<void> {
    while (!this.scene.over) {
      await this.rest(this.random.below(40))
      if (this.scene.quiet) continue
      await this.act()
    }
  }

  private act(): Promise<void> {
    if (this.topic.state === 'deleting') return this.delete()
    if (this.topic.state !== 'there') return this.make()
    const drawn = this.random.below(10)
    if (drawn === 0) return this.delete()
    return drawn < 4 ? this.readAll() : this.write()
  }

  private async make(): Promise<void> {
    const { topic, scene } = this
    const again = topic.state === 'making'
    if (!again) scene.auditor.addPlace(topic.begin(), 'log')
    const wanted = { name: topic.name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    const { topics } = await this.ask(APIS.createTopics, 4, { topics: [wanted], timeoutMs: 1000, validateOnly: false })
    const { errorCode } = topics[0]!
    if (errorCode === alreadyExists && !again) throw new Violation(`${topic.place} exists, and was deleted`)
    if (errorCode !== 0 && errorCode !== alreadyExists) return
    topic.state = 'there'
    this.note(`made ${topic.place}`)
  }

  private async write(): Promise<void> {
    const { name, place } = this.topic
    const builder = new BatchBuilder()
    const ids = Array.from({ length: 1 + this.random.below(3) }, () => `${this.name}:${this.number++}`)
    for (const id of ids) {
      this.scene.auditor.sends(id, [place])
      builder.add(1000, null, payloadOf(id))
    }
    const { responses } = await this.ask(APIS.produce, 7, {
      acks: -1,
      timeoutMs: 30_000,
      transactionalId: null,
      topicData: [{ name, partitionData: [{ index: 0, records: builder.finish() }] }],
    })
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
    if (errorCode === unknownTopic) throw new Violation(`${place} was made, and is unknown`)
    if (errorCode !== 0) return
    ids.forEach((id, i) => this.scene.auditor.acked(id, { place, partition: 0, offset: baseOffset + i }))
  }

  private async readAll(): Promise<void> {
    const { name, place } = this.topic
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 50_000 }]
    const topics = [{ topic: name, partitions }]
    const answer = await this.ask(APIS.fetch, 11, {
      maxWaitMs: 10,
      minBytes: 1,
      maxBytes: 50_000,
      isolationLevel: 0,
      topics,
    })
    const { errorCode, records } = answer.responses[0]!.partitions[0]!
    if (errorCode === unknownTopic) throw new Violation(`${place} was made, and is unknown`)
    if (errorCode !== 0 || records === null) return
    for (let at = 0; at + 12 <= records.length;) {
      const end = at + 12 + records.readInt32BE(at + 8)
      if (end > records.length) break
      const base = Number(records.readBigInt64BE(at))
      const table = new RecordTable(records.subarray(at, end))
      for (let i = 0; i < table.count; i++) {
        this.scene.auditor.reads(place, 0, base + table.offsetDelta(i), table.value(i)!)
      }
      at = end
    }
  }

  private async delete(): Promise<void> {
    const { topic } = this
    const again = topic.state === 'deleting'
    topic.state = 'deleting'
    const { responses } = await this.ask(APIS.deleteTopics, 4, {
      topicNames: [topic.name],
      topics: [],
      timeoutMs: 1000,
    })
    const { errorCode } = responses[0]!
    if (errorCode === unknownTopic && !again) throw new Violation(`${topic.place} was made, and is unknown`)
    if (errorCode !== 0 && errorCode !== unknownTopic) return
    topic.state = 'gone'
    this.note(`deleted ${topic.place}`)
    this.scene.auditor.deleted(topic.place)
  }
}
