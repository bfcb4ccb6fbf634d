import { crc32c, Writer } from '../../base/index.ts'
import { batchHeaderBytes, crcPosition, crcStart } from './header.ts'
import type { RecordTable } from './record-table.ts'

/** Who may retry this batch without duplicating it: one number per record, from `sequence` on. */
export interface BatchProducer {
  id: number
  epoch: number
  sequence: number
}

const uvarintBytes = (value: number): number => {
  let bytes = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes++
  return bytes
}
const varintBytes = (value: number): number => uvarintBytes(value >= 0 ? value * 2 : value * -2 - 1)
const sizedBytes = (part: Uint8Array | null): number => (part === null ? 1 : varintBytes(part.length) + part.length)

/**
 * Builds one record batch v2 from records that did not come from a Kafka producer. A record's envelope (see
 * `core/message.ts`) is carried as its one record header, with the empty key; the extent that names such a batch is
 * marked *foreign*, so that a Kafka fetch expands it. Reusable: `finish()` starts the next batch.
 *
 *   record: length varint, attributes 1, timestampDelta varlong, offsetDelta varint,
 *           key (varint length or -1), value (same), headers varint, per header: key (varint length), value
 */
export class BatchBuilder {
  private readonly out = new Writer(1024)
  private baseTimestamp = 0
  private maxTimestamp = 0
  count = 0

  constructor() {
    this.out.reserve(batchHeaderBytes)
  }

  /** Bytes of the batch so far, its header included. */
  get bytes(): number {
    return this.out.length
  }

  /** `timestamp` in ms since 1970. `envelope` null = a plain record without headers. */
  add(timestamp: number, key: Uint8Array | null, value: Uint8Array | null, envelope: Uint8Array | null = null): void {
    if (this.count === 0) this.baseTimestamp = this.maxTimestamp = timestamp
    else if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp
    const delta = timestamp - this.baseTimestamp
    const index = this.count++
    const headerBytes = envelope === null ? 1 : 2 + sizedBytes(envelope)
    const out = this.out
    const bytes = 1 + varintBytes(delta) + varintBytes(index) + sizedBytes(key) + sizedBytes(value) + headerBytes
    out.ensure(varintBytes(bytes) + bytes)
    out.varint(bytes)
    out.u8(0)
    out.varint(delta)
    out.varint(index)
    this.part(key)
    this.part(value)
    if (envelope === null) {
      out.varint(0)
    } else {
      out.varint(1)
      out.varint(0)
      this.part(envelope)
    }
  }

  /** Record `i` of another batch as it stands there, headers and all. */
  copy(table: RecordTable, i: number): void {
    const timestamp = table.timestamp(i)
    if (this.count === 0) this.baseTimestamp = this.maxTimestamp = timestamp
    else if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp
    const delta = timestamp - this.baseTimestamp
    const index = this.count++
    const key = table.key(i)
    const value = table.value(i)
    const headers = table.headerBytes(i)
    const out = this.out
    out.varint(1 + varintBytes(delta) + varintBytes(index) + sizedBytes(key) + sizedBytes(value) + headers.length)
    out.u8(0)
    out.varint(delta)
    out.varint(index)
    this.part(key)
    this.part(value)
    out.bytes(headers)
  }

  private part(bytes: Uint8Array | null): void {
    if (bytes === null) {
      this.out.varint(-1)
    } else {
      this.out.varint(bytes.length)
      this.out.bytes(bytes)
    }
  }

  /** The batch, as bytes of its own; base offset 0, to be set by the log. */
  finish(producer: BatchProducer | null = null): Buffer {
    const batch = this.out.finish()
    batch.fill(0, 0, 16)
    batch.writeInt32BE(batch.length - 12, 8)
    batch.writeInt32BE(-1, 12)
    batch[16] = 2
    batch.writeInt16BE(0, 21)
    batch.writeInt32BE(this.count - 1, 23)
    writeI64(batch, this.baseTimestamp, 27)
    writeI64(batch, this.maxTimestamp, 35)
    writeI64(batch, producer?.id ?? -1, 43)
    batch.writeInt16BE(producer?.epoch ?? -1, 51)
    batch.writeInt32BE(producer?.sequence ?? -1, 53)
    batch.writeInt32BE(this.count, 57)
    batch.writeUInt32BE(crc32c(batch.subarray(crcStart)), crcPosition)
    this.out.reset()
    this.out.reserve(batchHeaderBytes)
    this.count = 0
    return batch
  }
}

function writeI64(batch: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  batch.writeInt32BE(high, at)
  batch.writeUInt32BE(value - high * 0x1_0000_0000, at + 4)
}
