import { MalformedError, Reader, sameBytes } from '../../base/index.ts'
import { decompress } from './compression.ts'
import { attributes, baseTimestamp, batchBytes, batchHeaderBytes, compressionMask, recordCount } from './header.ts'

/**
 * Where each record of one batch stands, found once and then shared by every consumer of the batch: no object per
 * record. Positions are into `body`, which is the batch itself, or its decompressed records.
 *
 *   columns per record: key start, key end, value start, value end, headers start (at the count), record end
 */
export class RecordTable {
  readonly body: Buffer
  readonly count: number
  private readonly columns: Int32Array
  private readonly timestamps: Float64Array
  private readonly offsetDeltas: Int32Array

  /** Throws `MalformedError` when the records are not what the header says. */
  constructor(batch: Buffer) {
    const codec = attributes(batch) & compressionMask
    const end = batchBytes(batch)
    const records = batch.subarray(batchHeaderBytes, end)
    this.body = codec === 0 ? batch : decompress(codec, records)
    this.count = recordCount(batch)
    // The smallest record takes 7 bytes, so a lying count cannot make us allocate more than the batch is worth.
    if (this.count < 0 || this.count * 7 > this.body.length)
      throw new MalformedError(`a batch of ${this.count} records`)
    this.columns = new Int32Array(this.count * 6)
    this.timestamps = new Float64Array(this.count)
    this.offsetDeltas = new Int32Array(this.count)
    const reader = new Reader(this.body, codec === 0 ? batchHeaderBytes : 0, codec === 0 ? end : this.body.length)
    const base = baseTimestamp(batch)
    for (let i = 0; i < this.count; i++) this.scan(reader, i, base)
  }

  private scan(reader: Reader, index: number, base: number): void {
    const length = reader.varint()
    const end = reader.position + length
    if (length < 0 || end > reader.end) throw new MalformedError('record longer than its batch')
    reader.take(1)
    this.timestamps[index] = base + reader.varint()
    this.offsetDeltas[index] = reader.varint()
    const at = index * 6
    this.part(reader, at)
    this.part(reader, at + 2)
    this.columns[at + 4] = reader.position
    this.columns[at + 5] = end
    if (reader.position > end) throw new MalformedError('record parts longer than the record')
    reader.position = end
  }

  private part(reader: Reader, column: number): void {
    const length = reader.varint()
    const start = length < 0 ? -1 : reader.take(length)
    this.columns[column] = start
    this.columns[column + 1] = start + Math.max(length, 0)
  }

  /** Producer's time of record `i`, ms since 1970. */
  timestamp(i: number): number {
    return this.timestamps[i]!
  }

  /** Offset of record `i` less the batch's base offset; not always `i`, compaction leaves holes. */
  offsetDelta(i: number): number {
    return this.offsetDeltas[i]!
  }

  /** A slice, or null where the record has no key. */
  key(i: number): Buffer | null {
    return this.slice(i * 6)
  }

  value(i: number): Buffer | null {
    return this.slice(i * 6 + 2)
  }

  valueBytes(i: number): number {
    const at = i * 6 + 2
    return this.columns[at]! < 0 ? 0 : this.columns[at + 1]! - this.columns[at]!
  }

  private slice(column: number): Buffer | null {
    const start = this.columns[column]!
    return start < 0 ? null : this.body.subarray(start, this.columns[column + 1])
  }

  /** The record's headers as they stand: a varint count, then (key, value) pairs with varint lengths. */
  headerBytes(i: number): Buffer {
    return this.body.subarray(this.columns[i * 6 + 4], this.columns[i * 6 + 5])
  }

  /** Of a record in a foreign batch: its envelope, or null when it has none. See `BatchBuilder`. */
  envelope(i: number): Buffer | null {
    const reader = new Reader(this.body, this.columns[i * 6 + 4], this.columns[i * 6 + 5])
    if (reader.varint() === 0) return null
    reader.take(reader.varint())
    return reader.bytes(reader.varint())
  }

  /**
   * Of a record in a foreign batch: is this its envelope (null: has it none)? Compared in place; false may be said of
   * one above 63 bytes.
   */
  hasEnvelope(i: number, envelope: Buffer | null): boolean {
    const { body } = this
    const at = this.columns[i * 6 + 4]!
    if (envelope === null) return body[at] === 0
    const bytes = envelope.length
    // One header, its key empty, a varint with the length, which takes one byte: the envelope is the rest.
    if (bytes > 63 || this.columns[i * 6 + 5]! - at !== 3 + bytes) return false
    if (body[at] !== 2 || body[at + 1] !== 0 || body[at + 2] !== bytes * 2) return false
    return sameBytes(body, at + 3, at + 3 + bytes, envelope)
  }

  /** Of a record that a Kafka producer made: its headers in order. */
  headers(i: number): { key: Buffer; value: Buffer | null }[] {
    const reader = new Reader(this.body, this.columns[i * 6 + 4], this.columns[i * 6 + 5])
    const count = reader.varint()
    const headers: { key: Buffer; value: Buffer | null }[] = []
    for (let n = 0; n < count; n++) {
      const key = reader.bytes(reader.varint())
      const length = reader.varint()
      headers.push({ key, value: length < 0 ? null : reader.bytes(length) })
    }
    return headers
  }
}
