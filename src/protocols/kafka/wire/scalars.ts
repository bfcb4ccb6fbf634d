import { MalformedError } from '../../../base/index.ts'
import type { Reader } from '../../../base/index.ts'
import type { RecordsValue, Scalar } from './schema.ts'
import type { SlicingWriter } from './writer.ts'

/** How one type is read and written in one form: plain, or compact (flexible versions), nullable or not. */
export interface Coder<T = unknown> {
  read(reader: Reader): T
  write(writer: SlicingWriter, value: T): void
}

const fixed = {
  bool: { read: (r) => r.u8() !== 0, write: (w, value) => w.u8(value ? 1 : 0) } satisfies Coder<boolean>,
  int8: { read: (r) => r.i8(), write: (w, value) => w.u8(value & 0xff) } satisfies Coder<number>,
  int16: { read: (r) => r.i16(), write: (w, value) => w.i16(value) } satisfies Coder<number>,
  int32: { read: (r) => r.i32(), write: (w, value) => w.i32(value) } satisfies Coder<number>,
  int64: { read: readInt64, write: (w, value) => w.i64(value) } satisfies Coder<number>,
  uuid: {
    read: (r) => {
      const at = r.take(16)
      return r.buffer.toString('hex', at, at + 16)
    },
    write: (w, value) => {
      const at = w.reserve(16) // before `buffer` is looked at: it may be another one afterwards
      w.buffer.write(value, at, 16, 'hex')
    },
  } satisfies Coder<string>,
}

/**
 * Rounded beyond 2^53: clients send the largest long for "no limit", and whatever is that large is out of range of
 * everything here, so refusing the whole request would only hide the better answer.
 */
function readInt64(reader: Reader): number {
  const at = reader.take(8)
  return reader.buffer.readInt32BE(at) * 0x1_0000_0000 + reader.buffer.readUInt32BE(at + 4)
}

/** Lengths: INT16 for strings, INT32 for bytes and arrays, and UNSIGNED_VARINT of length + 1 when compact. -1 is null. */
export function readLength(reader: Reader, width: 'int16' | 'int32' | 'compact'): number {
  if (width === 'compact') return reader.uvarint() - 1
  const length = width === 'int16' ? reader.i16() : reader.i32()
  if (length < -1) throw new MalformedError(`length ${length}`)
  return length
}

export function writeLength(writer: SlicingWriter, width: 'int16' | 'int32' | 'compact', length: number): void {
  if (width === 'compact') writer.uvarint(length + 1)
  else if (width === 'int16') writer.i16(length)
  else writer.i32(length)
}

function string(compact: boolean, nullable: boolean): Coder<string | null> {
  const width = compact ? 'compact' : 'int16'
  return {
    read(reader) {
      const length = readLength(reader, width)
      if (length >= 0) return reader.utf8(length)
      if (nullable) return null
      throw new MalformedError('null for a string that may not be null')
    },
    write(writer, value) {
      if (value === null) {
        writeLength(writer, width, -1)
        return
      }
      writeLength(writer, width, Buffer.byteLength(value))
      writer.utf8(value)
    },
  }
}

function bytes(compact: boolean, nullable: boolean): Coder<RecordsValue | null> {
  const width = compact ? 'compact' : 'int32'
  return {
    read(reader) {
      const length = readLength(reader, width)
      if (length >= 0) return reader.bytes(length)
      if (nullable) return null
      throw new MalformedError('null for bytes that may not be null')
    },
    write(writer, value) {
      if (value === null) {
        writeLength(writer, width, -1)
      } else if (Array.isArray(value)) {
        writeLength(
          writer,
          width,
          value.reduce((sum, slice) => sum + slice.length, 0),
        )
        for (const slice of value) writer.slice(slice)
      } else {
        writeLength(writer, width, value.length)
        writer.slice(value)
      }
    },
  }
}

export function scalar(type: Scalar, compact: boolean, nullable: boolean): Coder {
  if (type === 'string') return string(compact, nullable)
  if (type === 'bytes' || type === 'records') return bytes(compact, nullable)
  return fixed[type]
}
