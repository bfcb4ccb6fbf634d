import { crc32c, failed, MalformedError } from '../../../base/index.ts'
import type { AppendOp, OpResult } from '../../../core/index.ts'
import { batchHeader, checkRecords, isTimestamp } from '../../../log/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code, codeOf } from '../errors.ts'
import { isTopicName } from '../mapping.ts'
import type { Topic } from '../mapping.ts'
import { APIS } from '../wire/apis.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import { within } from '../within.ts'

interface Slot {
  index: number
  errorCode: number
  baseOffset: number
  logStartOffset: number
  errorMessage: string | null
}

/**
 * Appends each batch as it came, after it was checked. All batches of a request are one commit, taken before the first
 * `await`: so the requests of a connection keep their order though several are under way.
 */
export const produce = operation(APIS.produce, async (request, call) => {
  const { broker } = call.shared
  const ops: AppendOp[] = []
  const owners: Slot[] = []
  const badAcks = request.acks < -1 || request.acks > 1
  const makes = { left: call.shared.topics.autoCreatedMax }
  const responses = request.topicData.map(({ name, topicId, partitionData }) => {
    const topic = badAcks ? undefined : topicFor(name, topicId, makes, call)
    const partitionResponses = partitionData.map(({ index, records }): Slot => {
      const slot: Slot = { index, errorCode: code.none, baseOffset: -1, logStartOffset: -1, errorMessage: null }
      if (badAcks) return refuse(slot, code.invalidRequiredAcks)
      if (topic === undefined)
        return refuse(slot, topicId === ZERO_UUID ? code.unknownTopicOrPartition : code.unknownTopicId)
      if (!call.shared.topics.hasPartition(topic, index)) return refuse(slot, code.unknownTopicOrPartition)
      const batch = checked(records, topic, call)
      if (typeof batch === 'number') return refuse(slot, batch)
      ops.push(append(topic, index, batch))
      owners.push(slot)
      return slot
    })
    return { name, topicId, partitionResponses }
  })
  if (ops.length > 0) {
    const committed = broker.commit(ops, { session: call.session, epoch: call.epoch })
    const results = await (request.acks === -1 ? inTime(committed, request.timeoutMs, call) : committed)
    if (results === null) for (const slot of owners) refuse(slot, code.requestTimedOut)
    else results.forEach((result, i) => fill(owners[i]!, result, ops[i]!, call))
  }
  if (request.acks !== 0) return { responses, throttleTimeMs: call.throttleMs() }
  const failure = responses.some(({ partitionResponses }) => partitionResponses.some((slot) => slot.errorCode !== 0))
  return failure ? 'close' : 'none' // who asked for no response learns of a failure by losing the connection
})

/**
 * Nobody knows what becomes of batches that the disk does not take for that long: null. The producer sends them again;
 * an idempotent one, which numbers them, waits for the same batches by that.
 */
function inTime<T>(committed: Promise<T>, timeoutMs: number, call: Call): Promise<T | null> {
  call.usedUntil(committed)
  return within(call.shared.timers, timeoutMs, committed)
}

function refuse(slot: Slot, errorCode: number, message: string | null = null): Slot {
  slot.errorCode = errorCode
  slot.errorMessage = message
  return slot
}

/** `makes`: so many more topics may be made; who names more of them is told that the others are not there. */
function topicFor(name: string, topicId: string, makes: { left: number }, call: Call): Topic | undefined {
  const { topics, settings } = call.shared
  const found = topics.named({ name, topicId })
  if (found !== undefined || !isTopicName(name) || !settings.autoCreateTopics || makes.left <= 0) return found
  makes.left--
  void topics.autoCreate(name)
  return topics.find(name)
}

/** Kafka's checks of a produced batch (LogValidator): an error code, or what to store. Every protocol can read that. */
function checked(records: Buffer | null, topic: Topic, call: Call): Buffer | number {
  if (records === null || records.length < 17) return code.corruptMessage
  if (batchHeader.magic(records) !== 2) return code.unsupportedForMessageFormat
  if (records.length < batchHeader.batchHeaderBytes) return code.corruptMessage
  const bytes = batchHeader.batchBytes(records)
  if (bytes < batchHeader.batchHeaderBytes || bytes > records.length) return code.corruptMessage
  if (bytes !== records.length) return code.invalidRecord // exactly one batch since Produce v3
  if (bytes > call.shared.topics.messageBytesMax(topic)) return code.messageTooLarge
  if (crc32c(records.subarray(batchHeader.crcStart)) !== batchHeader.storedCrc(records)) return code.corruptMessage
  const attributes = batchHeader.attributes(records)
  const codec = attributes & batchHeader.compressionMask
  if (codec > 4 || (codec === 4 && call.version < 7)) return code.unsupportedCompressionType
  if ((attributes & batchHeader.controlBit) !== 0) return code.invalidRecord
  if ((attributes & batchHeader.transactionalBit) !== 0) return code.invalidTxnState
  if ((attributes & batchHeader.timestampTypeBit) !== 0) return code.invalidTimestamp
  const count = batchHeader.recordCount(records)
  if (count < 1 || batchHeader.lastOffsetDelta(records) !== count - 1) return code.invalidRecord
  if (!isTimestamp(batchHeader.baseTimestamp(records)) || !isTimestamp(batchHeader.maxTimestamp(records))) {
    return code.invalidTimestamp
  }
  const producer = batchHeader.producerId(records)
  if (producer > Number.MAX_SAFE_INTEGER) return code.invalidProducerIdMapping
  if (producer >= 0 && (batchHeader.producerEpoch(records) < 0 || batchHeader.baseSequence(records) < 0)) {
    return code.invalidRecord
  }
  return withLatest(records)
}

/**
 * A checksum says that nothing changed on the way, not that it made sense when it left. The header's highest time is the
 * broker's to set, as in Kafka: sarama before 1.45.1 sends -1, and nobody would find its records by time.
 */
function withLatest(batch: Buffer): Buffer | number {
  try {
    const latest = checkRecords(batch)
    return latest === batchHeader.maxTimestamp(batch) ? batch : batchHeader.withMaxTimestamp(batch, latest)
  } catch (error) {
    if (error instanceof MalformedError) return code.invalidRecord
    throw error
  }
}

function append(topic: Topic, partition: number, batch: Buffer): AppendOp {
  const op: AppendOp = { op: 'append', log: topic.id, partition, batch, foreign: false }
  const id = batchHeader.producerId(batch)
  if (id < 0) return op
  return { ...op, producer: { id, epoch: batchHeader.producerEpoch(batch), sequence: batchHeader.baseSequence(batch) } }
}

function fill(slot: Slot, result: OpResult, op: AppendOp, call: Call): void {
  if (failed(result)) {
    refuse(slot, codeOf(result), result.detail)
    return
  }
  if (result.ok.op !== 'append') return
  slot.baseOffset = result.ok.baseOffset
  slot.logStartOffset = result.ok.start
  if (!result.ok.duplicate) call.metrics.messagesIn += batchHeader.recordCount(op.batch)
}
