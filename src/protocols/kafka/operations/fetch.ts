import { failed } from '../../../base/index.ts'
import type { Outcome, SlabLease } from '../../../base/index.ts'
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
    // One batch comes in any case.
    const bytesMax = Math.max(1, Math.min(request.maxBytes, fetchBytesMax))
    const { results, memory } = await readParts(parts, { ...request, bytesMax }, refused, call)
    // What was found while others were answered may be more than there is room for now; and more than was asked for.
    const answer: Answer = { room: Math.min(call.room(), bytesMax), bytes: 0, memory, served: [], waiting: [] }
    results.forEach((result, i) => fill(owners[i]!, parts[i]!, result, call, answer))
    if (answer.bytes > 0 && memory.some(({ empty }) => !empty)) {
      call.whenSent(() => call.ahead.begin(call.session, [...answer.waiting, ...answer.served], answer.bytes))
    }
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

/** What was read ahead for this client, and the rest; waits only when there is nothing. */
async function readParts(
  parts: readonly ReadPart[],
  { minBytes, bytesMax, maxWaitMs }: { minBytes: number; bytesMax: number; maxWaitMs: number },
  refused: boolean,
  call: Call,
): Promise<{ results: Outcome<ReadResult>[]; memory: SlabLease[] }> {
  const { broker } = call.shared
  const { session, memory } = call
  const ahead = await call.ahead.take(parts)
  const found = ahead?.found ?? []
  if (ahead !== null) call.whenSent(() => ahead.memory.clear())
  const bytes = found.reduce((sum, result) => sum + (result === undefined ? 0 : bytesOf(result.batches)), 0)
  const missing = parts.filter((_, i) => found[i] === undefined)
  const now = refused || bytes > 0
  const rest = await broker.read(missing, {
    ...{ session, memory },
    bytesMin: now ? 0 : minBytes,
    bytesMax: Math.max(0, bytesMax - bytes),
    waitMs: now ? 0 : Math.min(Math.max(0, maxWaitMs), fetchWaitMsMax),
  })
  let at = 0
  const results = parts.map((_, i): Outcome<ReadResult> => {
    const result = found[i]
    return result === undefined ? rest[at++]! : { ok: result }
  })
  return { results, memory: ahead === null ? [memory] : [memory, ahead.memory] }
}

const bytesOf = (batches: readonly DeliveredBatch[]): number =>
  batches.reduce((sum, { bytes }) => sum + bytes.length, 0)

/** An answer that is being put together. */
interface Answer {
  /** What it may still hold. Its first batch goes out in any case, or the client would never come further. */
  room: number
  bytes: number
  /** What its batches may lie in: then they may be written to. */
  memory: readonly SlabLease[]
  /** Where to go on: parts that got something, and those that got nothing though there is some. */
  served: ReadPart[]
  waiting: ReadPart[]
}

function fill(slot: Slot, part: ReadPart, result: Outcome<ReadResult>, call: Call, answer: Answer): void {
  if (failed(result)) {
    slot.errorCode = codeOf(result)
    const bounds = result.error === 'outOfRange' ? call.shared.broker.boundsOf(part.log, part.partition) : undefined
    if (bounds !== undefined) setBounds(slot, bounds.start, bounds.end)
    return
  }
  const { batches, start, end } = result.ok
  setBounds(slot, start, end)
  let { offset } = part
  const records = new Records()
  for (const batch of batches) {
    if (answer.bytes > 0 && batch.bytes.length > answer.room) break
    answer.room -= batch.bytes.length
    answer.bytes += batch.bytes.length
    addBatch(records, part.log, batch, call, answer.memory)
    call.metrics.messagesOut += batch.count
    offset = batch.baseOffset + batch.count
  }
  slot.records = records.pieces()
  if (offset >= end) return
  if (offset === part.offset) answer.waiting.push(part)
  else answer.served.push({ ...part, offset })
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
function addBatch(records: Records, log: Id, batch: DeliveredBatch, call: Call, memory: readonly SlabLease[]): void {
  const bytes = batch.foreign ? call.shared.foreign.expand(log, batch) : batch.bytes
  if (memory.some((lease) => lease.has(bytes))) {
    // Of the answer's own memory nothing has to be copied.
    setPlace(bytes, batch.baseOffset)
    records.add(bytes)
    return
  }
  if (batchHeader.baseOffset(bytes) === batch.baseOffset && bytes.readInt32BE(12) === leaderEpoch) {
    records.add(bytes)
    return
  }
  const copied = bytes.length <= copyBytesMax ? bytes.length : 16
  const head = Buffer.allocUnsafe(copied)
  bytes.copy(head, 0, 0, copied)
  setPlace(head, batch.baseOffset)
  records.add(head)
  if (copied < bytes.length) records.add(bytes.subarray(copied))
}

function setPlace(bytes: Buffer, baseOffset: number): void {
  bytes.writeUInt32BE(Math.floor(baseOffset / 2 ** 32), 0)
  bytes.writeUInt32BE(baseOffset % 2 ** 32, 4)
  bytes.writeInt32BE(leaderEpoch, 12)
}

/** The batches of a partition; neighbours in memory are one piece. */
class Records {
  private readonly whole: Buffer[] = []
  private first: Buffer | null = null
  private bytes = 0

  add(batch: Buffer): void {
    const { first } = this
    if (first !== null && first.buffer === batch.buffer && first.byteOffset + this.bytes === batch.byteOffset) {
      this.bytes += batch.length
      return
    }
    this.end()
    this.first = batch
    this.bytes = batch.length
  }

  private end(): void {
    const { first, bytes } = this
    if (first !== null) this.whole.push(bytes === first.length ? first : asOne(first, bytes))
  }

  pieces(): Buffer[] {
    this.end()
    return this.whole
  }
}

const asOne = (first: Buffer, bytes: number): Buffer => Buffer.from(first.buffer, first.byteOffset, bytes)
