import { unreachable } from '../../../../base/index.ts'
import type { Writer } from '../../../../base/index.ts'
import { variableIntBytes, writeBinary, writeText } from '../primitives.ts'
import { rowByName } from './table.ts'
import type { Properties, PropertyName, PropertyRow } from './table.ts'

/** Bytes of the properties without their length field. */
export function propertiesBytes(values: Properties): number {
  let bytes = 0
  for (const name in values) {
    const row = rowByName[name as PropertyName]
    const value = values[name as PropertyName]
    if (row.repeats === undefined) bytes += 1 + valueBytes(row, value)
    else for (const item of value as unknown[]) bytes += 1 + valueBytes(row, item)
  }
  return bytes
}

/** Writes Property Length and the properties, in the order in which they were set. */
export function writeProperties(writer: Writer, values: Properties, bytes = propertiesBytes(values)): void {
  writer.uvarint(bytes)
  if (bytes === 0) return
  for (const name in values) {
    const row = rowByName[name as PropertyName]
    const value = values[name as PropertyName]
    if (row.repeats === undefined) writeProperty(writer, row, value)
    else for (const item of value as unknown[]) writeProperty(writer, row, item)
  }
}

function writeProperty(writer: Writer, row: PropertyRow, value: unknown): void {
  writer.u8(row.id)
  switch (row.type) {
    case 'u8':
      return writer.u8(value as number)
    case 'u16':
      return writer.u16(value as number)
    case 'u32':
      return writer.u32(value as number)
    case 'varint':
      return writer.uvarint(value as number)
    case 'text':
      return writeText(writer, value as string)
    case 'binary':
      return writeBinary(writer, value as Buffer)
    case 'pair': {
      const [name, text] = value as [string, string]
      writeText(writer, name)
      return writeText(writer, text)
    }
    default:
      return unreachable(row.type)
  }
}

function valueBytes(row: PropertyRow, value: unknown): number {
  switch (row.type) {
    case 'u8':
      return 1
    case 'u16':
      return 2
    case 'u32':
      return 4
    case 'varint':
      return variableIntBytes(value as number)
    case 'text':
      return 2 + Buffer.byteLength(value as string)
    case 'binary':
      return 2 + (value as Buffer).length
    case 'pair': {
      const [name, text] = value as [string, string]
      return 4 + Buffer.byteLength(name) + Buffer.byteLength(text)
    }
    default:
      return unreachable(row.type)
  }
}
