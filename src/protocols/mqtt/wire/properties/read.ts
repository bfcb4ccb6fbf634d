import type { Reader } from '../../../../base/index.ts'
import { itemsMax } from '../constants.ts'
import { readBinary, readText, readVariableInt } from '../primitives.ts'
import { Reason } from '../reason.ts'
import { Violation } from '../violation.ts'
import { rowById } from './table.ts'
import type { Properties, PropertyRow } from './table.ts'

/** Shared by all packets without properties: never written to. */
export const noProperties: Properties = Object.freeze({})

/**
 * Property Length and the properties (MQTT 5 section 2.2.2). `packet` is a bit of `In`.
 * A wrong identifier is a Malformed Packet; a second occurrence or a value out of range a Protocol Error.
 */
export function readProperties(reader: Reader, packet: number): Properties {
  const length = readVariableInt(reader)
  if (length === 0) return noProperties
  const outerEnd = reader.end
  const end = reader.position + length
  if (end > outerEnd) throw new Violation(Reason.malformedPacket, 'properties are longer than their packet')
  reader.end = end
  const found: Record<string, unknown> = {}
  while (reader.position < end) readProperty(reader, packet, found)
  reader.end = outerEnd
  return found
}

function readProperty(reader: Reader, packet: number, found: Record<string, unknown>): void {
  const id = readVariableInt(reader)
  const row = rowById[id]
  if (row === undefined || (row.in & packet) === 0) {
    throw new Violation(Reason.malformedPacket, `property ${id} does not belong in this packet`)
  }
  const value = readValue(reader, row)
  if (typeof value === 'number' && (value < (row.min ?? 0) || value > (row.max ?? Infinity))) {
    throw new Violation(Reason.protocolError, `${row.name} must not be ${value}`)
  }
  const earlier = found[row.name]
  if (row.repeats === 'list') {
    if (earlier === undefined) found[row.name] = [value]
    else if ((earlier as unknown[]).push(value) > itemsMax) {
      throw new Violation(Reason.quotaExceeded, `more than ${itemsMax} of ${row.name}`)
    }
    return
  }
  if (earlier !== undefined) throw new Violation(Reason.protocolError, `${row.name} occurs twice`)
  found[row.name] = value
}

function readValue(reader: Reader, row: PropertyRow): unknown {
  switch (row.type) {
    case 'u8':
      return reader.u8()
    case 'u16':
      return reader.u16()
    case 'u32':
      return reader.u32()
    case 'varint':
      return readVariableInt(reader)
    case 'text':
      return readText(reader)
    case 'binary':
      return readBinary(reader)
    case 'pair':
      return [readText(reader), readText(reader)]
  }
}
