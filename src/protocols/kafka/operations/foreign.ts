/**
 * A batch that another protocol made, as Kafka consumers are to see it: the envelope that each record carries becomes
 * plain record headers (docs/crossing.md). Offsets, times, keys and values stay.
 */
import { crc32c, Writer } from '../../../base/index.ts'
import { propertiesOf, recordHeadersOf } from '../../../core/index.ts'
import type { DeliveredBatch } from '../../../core/index.ts'
import { batchHeader, type RecordTable } from '../../../log/index.ts'

/** Consumers of a topic read the same batches; the core gives the same table as long as the bytes are in its cache. */
const expanded = new WeakMap<RecordTable, Buffer>()

/** The expanded batch, with base offset 0. */
export function expandForeign(batch: DeliveredBatch): Buffer {
  const { table } = batch
  let bytes = expanded.get(table)
  if (bytes === undefined) expanded.set(table, (bytes = expand(table, batch.bytes)))
  return bytes
}

function expand(table: RecordTable, stored: Buffer): Buffer {
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
  bytes.fill(0, 0, 8)
  bytes.writeInt32BE(bytes.length - 12, 8)
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
