import { isUtf8 } from 'node:buffer'
import type { Reader, Writer } from '../../../base/index.ts'
import { Reason } from './reason.ts'
import { Violation } from './violation.ts'

/**
 * Variable Byte Integer (MQTT 5 section 1.5.5): seven bits a byte, low bits first, four bytes at most.
 * MQTT-1.5.5-1: the shortest form only. Packet properties exist in MQTT 5 alone, so it is strict here.
 */
export function readVariableInt(reader: Reader): number {
  let value = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = reader.u8()
    value += (byte & 0x7f) << shift
    if (byte < 0x80) {
      if (byte === 0 && shift > 0) throw new Violation(Reason.malformedPacket, 'variable byte integer is not minimal')
      return value
    }
  }
  throw new Violation(Reason.malformedPacket, 'variable byte integer longer than 4 bytes')
}

export function variableIntBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4
}

/** UTF-8 Encoded String (section 1.5.4): u16 length, then well-formed UTF-8 without U+0000. */
export function readText(reader: Reader): string {
  const length = reader.u16()
  const start = reader.take(length)
  return textOf(reader.buffer, start, start + length)
}

/** Binary Data (section 1.5.6): u16 length, then any bytes. Shares the reader's memory. */
export function readBinary(reader: Reader): Buffer {
  return reader.bytes(reader.u16())
}

export function textOf(buffer: Buffer, start: number, end: number): string {
  const ascii = checkText(buffer, start, end)
  return buffer.toString(ascii ? 'latin1' : 'utf8', start, end)
}

/** Throws unless the bytes are a legal string (MQTT-1.5.4-1 surrogates, MQTT-1.5.4-2 U+0000); true when all ASCII. */
function checkText(buffer: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = buffer[i]!
    if (byte === 0) throw new Violation(Reason.malformedPacket, 'string holds U+0000')
    if (byte >= 0x80) {
      const rest = buffer.subarray(i, end)
      if (!isUtf8(rest) || rest.includes(0)) throw new Violation(Reason.malformedPacket, 'string is not valid UTF-8')
      return false
    }
  }
  return true
}

export function writeText(writer: Writer, text: string): void {
  const bytes = Buffer.byteLength(text)
  writer.u16(bytes)
  const at = writer.reserve(bytes)
  writer.buffer.write(text, at)
}

export function writeBinary(writer: Writer, bytes: Uint8Array): void {
  writer.u16(bytes.length)
  writer.bytes(bytes)
}
