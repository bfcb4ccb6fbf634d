/**
 * A batch that another protocol made, as Kafka consumers are to see it: the envelope that each record carries becomes
 * plain record headers (docs/crossing.md). Offsets, times, keys and values stay.
 */
import { crc32c, Writer } from '../../../base/index.ts'
import { propertiesOf, recordHeadersOf } from '../../../core/index.ts'
import type { DeliveredBatch, Id } from '../../../core/index.ts'
import { batchHeader, type RecordTable } from '../../../log/index.ts'
import { leaderEpoch } from '../limits.ts'

/**
 * Keeps what was expanded, up to a number of bytes, the oldest out first: consumers of a topic read the same batches.
 * The checksum is part of the key, since after a failure of the storage what was not synced may be gone, and its offset
 * another batch's.
 */
export class ForeignBatches {
  private readonly kept = new Map<string, Buffer>()
  private bytes = 0
  private readonly bytesMax: number

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** The expanded batch, with its base offset in place. */
  expand(log: Id, batch: DeliveredBatch): Buffer {
    const key = `${log}/${batch.partition}/${batch.baseOffset}/${batchHeader.storedCrc(batch.bytes)}`
    const found = this.kept.get(key)
    if (found !== undefined) return found
    const bytes = expand(batch.table, batch.bytes, batch.baseOffset)
    this.kept.set(key, bytes)
    this.bytes += bytes.length
    for (const [oldest, old] of this.kept) {
      if (this.bytes <= this.bytesMax) break
      this.kept.delete(oldest)
      this.bytes -= old.length
    }
    return bytes
  }
}

function expand(table: RecordTable, stored: Buffer, baseOffset: number): Buffer {
  const out = new Writer(stored.length * 2)
  out.bytes(stored.subarray(0, batchHeader.batchHeaderBytes))
  const base = batchHeader.baseTimestamp(stored)
  const record = new Writer(1024)
  for (let i = 0; i < table.count; i++) {
    record.reset()
    writeRecord(record, table, i, base)
    out.varint(record.length)
    out.bytes(record.view())
  }
  const bytes = out.finish()
  bytes.writeBigInt64BE(BigInt(baseOffset), 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt32BE(leaderEpoch, 12)
  bytes.writeInt16BE(batchHeader.attributes(stored) & ~batchHeader.compressionMask, batchHeader.crcStart)
  bytes.writeUInt32BE(crc32c(bytes.subarray(batchHeader.crcStart)), batchHeader.crcPosition)
  return bytes
}

function writeRecord(out: Writer, table: RecordTable, i: number, base: number): void {
  out.u8(0)
  out.varint(table.timestamp(i) - base)
  out.varint(table.offsetDelta(i))
  writeBytes(out, table.key(i))
  writeBytes(out, table.value(i))
  const headers = recordHeadersOf(propertiesOf(table, i, true))
  out.varint(headers.length)
  for (const { key, value } of headers) {
    writeBytes(out, Buffer.from(key))
    writeBytes(out, value)
  }
}

function writeBytes(out: Writer, bytes: Buffer | null): void {
  out.varint(bytes === null ? -1 : bytes.length)
  if (bytes !== null) out.bytes(bytes)
}
