import { MalformedError, Reader } from '../../base/index.ts'
import { admittedBytesMax, decompress } from './compression.ts'
import { attributes, baseTimestamp, batchBytes, batchHeaderBytes, compressionMask, recordCount } from './header.ts'

/** ms since 1970. The difference of two such times is below 2^52, and so exact as a signed varint. */
export const timestampMax = 4_000_000_000_000_000

/** -1 = the producer gave none. */
export const isTimestamp = (timestamp: number): boolean => timestamp >= -1 && timestamp <= timestampMax

/**
 * Walks the records of a batch from outside to their last header, and throws `MalformedError` unless they are exactly
 * what the header says: whoever reads them later may then rely on it. Offset deltas must be 0, 1, 2, …, times sane.
 * Returns the latest time of a record, ms since 1970 or -1, which need not be what the header says.
 *
 *   record: length varint, attributes 1, timestampDelta varlong, offsetDelta varint,
 *           key (varint length or -1), value (same), headers varint, per header: key (varint length), value
 */
export function checkRecords(batch: Buffer): number {
  const codec = attributes(batch) & compressionMask
  const records = batch.subarray(batchHeaderBytes, batchBytes(batch))
  const reader = new Reader(decompress(codec, records, admittedBytesMax(records.length)))
  const count = recordCount(batch)
  const base = baseTimestamp(batch)
  let latest = -1
  for (let i = 0; i < count; i++) latest = Math.max(latest, checkRecord(reader, i, base))
  if (reader.remaining > 0) throw new MalformedError(`${reader.remaining} bytes after the last record`)
  return latest
}

/** Returns its time. */
function checkRecord(reader: Reader, index: number, base: number): number {
  const length = reader.varint()
  const end = reader.position + length
  if (length < 0 || end > reader.end) throw new MalformedError('record longer than its batch')
  reader.take(1)
  const timestamp = base + reader.varint()
  if (!isTimestamp(timestamp)) throw new MalformedError(`time of record ${index}`)
  const offsetDelta = reader.varint()
  if (offsetDelta !== index) throw new MalformedError(`offset delta ${offsetDelta} of record ${index}`)
  skip(reader, -1)
  skip(reader, -1)
  const headers = reader.varint()
  if (headers < 0) throw new MalformedError(`${headers} headers`)
  for (let i = 0; i < headers; i++) {
    skip(reader, 0)
    skip(reader, -1)
  }
  if (reader.position !== end) throw new MalformedError('record parts do not fill the record')
  return timestamp
}

/** Moves past a part; its length is at least `min`, where -1 is null. */
function skip(reader: Reader, min: number): void {
  const length = reader.varint()
  if (length < min) throw new MalformedError(`a part of ${length} bytes`)
  if (length > 0) reader.take(length)
}
