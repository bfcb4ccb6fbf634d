import { failed } from '../../../base/index.ts'
import type { Outcome } from '../../../base/index.ts'
import type { DeliveredBatch, Id, ReadPart, ReadResult } from '../../../core/index.ts'
import { batchHeader } from '../../../log/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code, codeOf } from '../errors.ts'
import { copyBytesMax, fetchBytesMax, fetchWaitMsMax, leaderEpoch } from '../limits.ts'
import type { Topic } from '../mapping.ts'
import { APIS } from '../wire/apis.ts'
import { ZERO_UUID } from '../wire/schema.ts'

interface Slot {
  partitionIndex: number
  errorCode: number
  highWatermark: number
  lastStableOffset: number
  logStartOffset: number
  abortedTransactions: null
  records: Buffer[]
}

/**
 * Reads whole batches as they are stored; clients skip what lies before their offset. Sessions (KIP-227) are never
 * made: the answer's session id is always 0, so a client lists its partitions each time. A partition with an error
 * ends the waiting for all.
 */
export const fetch = operation(APIS.fetch, async (request, call) => {
  if (request.sessionId !== 0 && request.sessionEpoch > 0) {
    return { errorCode: code.fetchSessionIdNotFound, responses: [] }
  }
  const parts: ReadPart[] = []
  const owners: Slot[] = []
  const responses = request.topics.map(({ topic: name, topicId, partitions }) => {
    const topic = call.shared.topics.named({ name, topicId })
    const slots = partitions.map((wanted) => {
      const slot = emptySlot(wanted.partition)
      if (topic === undefined) {
        slot.errorCode = topicId === ZERO_UUID ? code.unknownTopicOrPartition : code.unknownTopicId
        return slot
      }
      slot.errorCode = problem(topic, wanted.partition, wanted.currentLeaderEpoch, call)
      if (slot.errorCode !== code.none) return slot
      const bytesMax = Math.max(0, wanted.partitionMaxBytes)
      parts.push({ log: topic.id, partition: wanted.partition, offset: wanted.fetchOffset, bytesMax })
      owners.push(slot)
      return slot
    })
    return { topic: name, topicId, partitions: slots }
  })
  if (parts.length > 0) {
    const refused = responses.some(({ partitions }) => partitions.some((slot) => slot.errorCode !== code.none))
    const results = await call.shared.broker.read(parts, {
      session: call.session,
      bytesMin: request.minBytes,
      bytesMax: Math.min(Math.max(0, request.maxBytes), fetchBytesMax),
      memory: call.memory,
      waitMs: refused ? 0 : Math.min(Math.max(0, request.maxWaitMs), fetchWaitMsMax),
    })
    // What was found while others were answered may be more than there is room for now.
    const room: Room = { bytes: call.room(), taken: false }
    results.forEach((result, i) => fill(owners[i]!, parts[i]!, result, call, room))
  }
  return { responses }
})

function problem(topic: Topic, partition: number, currentLeaderEpoch: number, call: Call): number {
  if (!call.shared.topics.hasPartition(topic, partition)) return code.unknownTopicOrPartition
  return currentLeaderEpoch > leaderEpoch ? code.unknownLeaderEpoch : code.none
}

function emptySlot(partitionIndex: number): Slot {
  return {
    partitionIndex,
    errorCode: code.none,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions: null,
    records: [],
  }
}

/** What an answer may still hold. Its first batch goes out in any case, or the client would never come further. */
interface Room {
  bytes: number
  taken: boolean
}

function fill(slot: Slot, part: ReadPart, result: Outcome<ReadResult>, call: Call, room: Room): void {
  if (failed(result)) {
    slot.errorCode = codeOf(result)
    const bounds = result.error === 'outOfRange' ? call.shared.broker.bounds(part.log)[part.partition] : undefined
    if (bounds !== undefined) setBounds(slot, bounds.start, bounds.end)
    return
  }
  setBounds(slot, result.ok.start, result.ok.end)
  for (const batch of result.ok.batches) {
    if (room.taken && batch.bytes.length > room.bytes) break
    room.taken = true
    room.bytes -= batch.bytes.length
    addBatch(slot.records, part.log, batch, call)
    call.metrics.messagesOut += batch.count
  }
}

function setBounds(slot: Slot, start: number, end: number): void {
  slot.highWatermark = end
  slot.lastStableOffset = end
  slot.logStartOffset = start
}

/**
 * Base offset and leader epoch lie before what the CRC covers, so only the first 16 bytes need to be new; a small
 * batch is patched in a copy, of a large one the rest goes out as the slice it is.
 */
function addBatch(records: Buffer[], log: Id, batch: DeliveredBatch, call: Call): void {
  const bytes = batch.foreign ? call.shared.foreign.expand(log, batch) : batch.bytes
  if (call.memory.has(bytes)) {
    addOwn(records, bytes, batch.baseOffset)
    return
  }
  if (batchHeader.baseOffset(bytes) === batch.baseOffset && bytes.readInt32BE(12) === leaderEpoch) {
    records.push(bytes)
    return
  }
  const copied = bytes.length <= copyBytesMax ? bytes.length : 16
  const head = Buffer.allocUnsafe(copied)
  bytes.copy(head, 0, 0, copied)
  head.writeBigInt64BE(BigInt(batch.baseOffset), 0)
  head.writeInt32BE(leaderEpoch, 12)
  records.push(head)
  if (copied < bytes.length) records.push(bytes.subarray(copied))
}

/** Of the answer's own memory nothing has to be copied, and neighbours are one piece. */
function addOwn(records: Buffer[], bytes: Buffer, baseOffset: number): void {
  bytes.writeBigInt64BE(BigInt(baseOffset), 0)
  bytes.writeInt32BE(leaderEpoch, 12)
  const before = records.at(-1)
  if (
    before === undefined ||
    before.buffer !== bytes.buffer ||
    before.byteOffset + before.length !== bytes.byteOffset
  ) {
    records.push(bytes)
    return
  }
  records[records.length - 1] = Buffer.from(bytes.buffer, before.byteOffset, before.length + bytes.length)
}
