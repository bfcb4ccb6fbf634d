import { RecordTable } from '../../../src/log/index.ts'
import { APIS } from '../../../src/protocols/kafka/wire/apis.ts'
import { Violation } from '../audit/index.ts'
import { KafkaClient, topicName } from './kafka.ts'

const group = 'readers'
const batchHeadBytes = 12

/** Reads one partition from its committed position on, and commits. */
export class KafkaConsumer extends KafkaClient {
  protected async converse(): Promise<void> {
    let offset = await this.committed()
    if (offset === null) return
    while (!this.scene.over) {
      await this.rest(this.random.below(100))
      if (this.scene.quiet) continue
      offset = await this.fetch(offset)
      if (offset > 0 && this.random.once(3)) await this.commit(offset)
    }
  }

  /** Null: the broker cannot say now. */
  private async committed(): Promise<number | null> {
    const topics = [{ name: topicName, partitionIndexes: [0] }]
    const answer = await this.ask(APIS.offsetFetch, 5, { groupId: group, topics })
    const { committedOffset, errorCode } = answer.topics[0]!.partitions[0]!
    if (answer.errorCode !== 0 || errorCode !== 0) return null
    this.scene.auditor.position(group, committedOffset)
    return Math.max(0, committedOffset)
  }

  private async fetch(from: number): Promise<number> {
    const partitions = [{ partition: 0, fetchOffset: from, partitionMaxBytes: 5000 }]
    const answer = await this.ask(APIS.fetch, 11, {
      maxWaitMs: 50,
      minBytes: 1,
      maxBytes: 20_000,
      isolationLevel: 0,
      topics: [{ topic: topicName, partitions }],
    })
    const { errorCode, records } = answer.responses[0]!.partitions[0]!
    if (errorCode !== 0) {
      this.note(`fetch: error ${errorCode}`)
      // OFFSET_OUT_OF_RANGE: what a client has read can only be where it was.
      if (errorCode === 1) throw new Violation(`${this.name}: ${from} is out of range`)
      return from
    }
    return records === null ? from : this.read(records, from)
  }

  private read(records: Buffer, from: number): number {
    let next = from
    for (let at = 0; at + batchHeadBytes <= records.length;) {
      const bytes = batchHeadBytes + records.readInt32BE(at + 8)
      if (at + bytes > records.length) break
      const base = Number(records.readBigInt64BE(at))
      const table = new RecordTable(records.subarray(at, at + bytes))
      for (let i = 0; i < table.count; i++) {
        const offset = base + table.offsetDelta(i)
        if (offset < next) continue
        if (offset > next) this.scene.auditor.skips('topic', 0, next, offset)
        this.scene.auditor.reads('topic', 0, offset, table.value(i)!)
        next = offset + 1
      }
      at += bytes
    }
    if (next > from) this.note(`read ${from} to ${next}`)
    return next
  }

  private async commit(offset: number): Promise<void> {
    this.scene.auditor.advances(group, offset)
    const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }]
    const { topics } = await this.ask(APIS.offsetCommit, 5, {
      groupId: group,
      memberId: '',
      topics: [{ name: topicName, partitions }],
    })
    if (topics[0]!.partitions[0]!.errorCode !== 0) return
    this.scene.auditor.advanced(group, offset)
    this.note(`committed ${offset}`)
  }
}
