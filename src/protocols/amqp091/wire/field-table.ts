import { isUtf8 } from 'node:buffer'
import { MalformedError, type Reader, unreachable } from '../../../base/index.ts'
import { valueDepthMax, type Header, type Value } from '../../../core/index.ts'
import type { FrameWriter } from './frame-writer.ts'

/**
 * Field tables: a u32 of bytes, then (shortstr name, type octet, value) pairs, in order, repeats kept. The type octets
 * are RabbitMQ's, which differ from the standard's in the integers:
 *
 *   t bool  b i8  B u8  s i16  u u16  I i32  i u32  l i64  f f32  d f64  D decimal (scale u8, i32)
 *   S long string  x bytes  A array  F table  T seconds u64  V nothing      also read: U as s, L as l
 *
 * A long string that is not UTF-8 is read as bytes, so it comes out again as `x`: the one type that is not kept.
 */
export function readTable(r: Reader, depth = 0): Header[] {
  const end = lengthEnd(r, depth)
  const table: Header[] = []
  while (r.position < end) {
    const nameBytes = r.u8()
    table.push({ name: r.utf8(nameBytes), value: readFieldValue(r, depth) })
  }
  if (r.position !== end) throw new MalformedError('a field runs beyond its table')
  return table
}

function readArray(r: Reader, depth: number): Value[] {
  const end = lengthEnd(r, depth)
  const list: Value[] = []
  while (r.position < end) list.push(readFieldValue(r, depth))
  if (r.position !== end) throw new MalformedError('an item runs beyond its array')
  return list
}

function lengthEnd(r: Reader, depth: number): number {
  if (depth > valueDepthMax) throw new MalformedError('a table nests too deep')
  const bytes = r.u32()
  if (bytes > r.remaining) throw new MalformedError(`a table of ${bytes} bytes in ${r.remaining}`)
  return r.position + bytes
}

function readFieldValue(r: Reader, depth: number): Value {
  const type = String.fromCharCode(r.u8())
  switch (type) {
    case 't':
      return { type: 'bool', value: r.u8() !== 0 }
    case 'b':
      return { type: 'i8', value: r.i8() }
    case 'B':
      return { type: 'u8', value: r.u8() }
    case 's':
    case 'U':
      return { type: 'i16', value: r.i16() }
    case 'u':
      return { type: 'u16', value: r.u16() }
    case 'I':
      return { type: 'i32', value: r.i32() }
    case 'i':
      return { type: 'u32', value: r.u32() }
    case 'l':
    case 'L':
      return { type: 'i64', value: r.bigint64() }
    case 'f':
      return { type: 'f32', value: r.f32() }
    case 'd':
      return { type: 'f64', value: r.f64() }
    case 'D':
      return { type: 'decimal', scale: r.u8(), value: r.i32() }
    case 'S':
      return text(r.bytes(r.u32()))
    case 'x':
      return { type: 'bytes', value: r.bytes(r.u32()) }
    case 'A':
      return { type: 'list', value: readArray(r, depth + 1) }
    case 'F':
      return { type: 'map', value: readTable(r, depth + 1) }
    case 'T':
      return { type: 'seconds', value: r.bigint64() }
    case 'V':
      return { type: 'null' }
    default:
      throw new MalformedError(`unknown field type ${JSON.stringify(type)}`)
  }
}

const text = (bytes: Buffer): Value =>
  isUtf8(bytes) ? { type: 'utf8', value: bytes.toString('utf8') } : { type: 'bytes', value: bytes }

/** A header whose name is longer than 255 bytes has no place in a field table and is left out. */
export function writeTable(w: FrameWriter, table: readonly Header[]): void {
  const begun = beginLength(w)
  for (const { name, value } of table) {
    const nameBytes = Buffer.byteLength(name)
    if (nameBytes > 255) continue
    const at = w.reserve(1 + nameBytes)
    w.buffer[at] = nameBytes
    w.buffer.write(name, at + 1)
    writeFieldValue(w, value)
  }
  endLength(w, begun)
}

/** A length to be filled in; counted from the first untaken byte, because the slab may move meanwhile. */
function beginLength(w: FrameWriter): number {
  w.u32(0)
  return w.pending
}

function endLength(w: FrameWriter, begun: number): void {
  const bytes = w.pending - begun
  w.buffer.writeUInt32BE(bytes, w.length - bytes - 4)
}

function writeFieldValue(w: FrameWriter, v: Value): void {
  switch (v.type) {
    case 'null':
      return tagged(w, 'V')
    case 'bool':
      tagged(w, 't')
      return w.u8(v.value ? 1 : 0)
    case 'i8':
      tagged(w, 'b')
      return w.u8(v.value & 0xff)
    case 'u8':
      tagged(w, 'B')
      return w.u8(v.value)
    case 'i16':
      tagged(w, 's')
      return w.u16(v.value & 0xffff)
    case 'u16':
      tagged(w, 'u')
      return w.u16(v.value)
    case 'i32':
      tagged(w, 'I')
      return w.i32(v.value)
    case 'u32':
      tagged(w, 'i')
      return w.u32(v.value)
    case 'i64':
      tagged(w, 'l')
      return w.bigint64(v.value)
    case 'u64':
      if (v.value > 0x7fff_ffff_ffff_ffffn) return longText(w, String(v.value))
      tagged(w, 'l')
      return w.bigint64(v.value)
    case 'f32':
      tagged(w, 'f')
      return w.f32(v.value)
    case 'f64':
      tagged(w, 'd')
      return w.f64(v.value)
    case 'decimal':
      tagged(w, 'D')
      w.u8(v.scale)
      return w.i32(v.value)
    case 'seconds':
      tagged(w, 'T')
      return w.bigint64(v.value)
    case 'utf8':
      return longText(w, v.value)
    case 'bytes':
      tagged(w, 'x')
      return w.longstr(v.value)
    case 'list': {
      tagged(w, 'A')
      const begun = beginLength(w)
      for (const item of v.value) writeFieldValue(w, item)
      return endLength(w, begun)
    }
    case 'map':
      tagged(w, 'F')
      return writeTable(w, v.value)
    default:
      unreachable(v)
  }
}

function tagged(w: FrameWriter, type: string): void {
  w.u8(type.charCodeAt(0))
}

function longText(w: FrameWriter, value: string): void {
  tagged(w, 'S')
  const bytes = Buffer.byteLength(value)
  const at = w.reserve(4 + bytes)
  w.buffer.writeUInt32BE(bytes, at)
  w.buffer.write(value, at + 4)
}
