/**
 * Compiles a field table for one version into a reader and a writer. The work of looking at versions is done once
 * for each (table, version); what is left for a message is one call for each field.
 */
import { MalformedError } from '../../../base/index.ts'
import type { Reader } from '../../../base/index.ts'
import { RequestReader } from './request-reader.ts'
import { readLength, scalar, writeLength } from './scalars.ts'
import type { Coder } from './scalars.ts'
import { inRange, ZERO_UUID } from './schema.ts'
import type { Field, ReadOf, Scalar, Table, WriteOf } from './schema.ts'
import { SlicingWriter } from './writer.ts'

type Values = Record<string, unknown>

interface Compiled {
  name: string
  coder: Coder
  fallback: unknown
  tag: number
}

/** The default of a field: a fresh one each time where the value could be changed by whoever gets it. */
function fallbackOf(field: Field): unknown {
  if (field.default !== undefined) return field.default
  if (field.nullable !== undefined && field.type === 'records') return null
  if (field.type === 'array' || field.type.startsWith('[]')) return Object.freeze([])
  if (field.type === 'struct') return Object.freeze(defaults(field.fields ?? []))
  if (field.type === 'string') return ''
  if (field.type === 'uuid') return ZERO_UUID
  if (field.type === 'bool') return false
  if (field.type === 'bytes' || field.type === 'records') return Buffer.alloc(0)
  return 0
}

function defaults(fields: Table): Values {
  const values: Values = {}
  for (const field of fields) values[field.name] = fallbackOf(field)
  return values
}

function array(element: Coder, compact: boolean, nullable: boolean): Coder<unknown[] | null> {
  const width = compact ? 'compact' : 'int32'
  return {
    read(reader) {
      const count = readLength(reader, width)
      if (count < 0) {
        if (nullable) return null
        throw new MalformedError('null for an array that may not be null')
      }
      // Every element takes at least a byte, so a larger count is a lie; it must not size anything.
      if (count > reader.remaining) throw new MalformedError(`array of ${count} in ${reader.remaining} bytes`)
      if (reader instanceof RequestReader) reader.charge(count)
      const values: unknown[] = []
      for (let i = 0; i < count; i++) values.push(element.read(reader))
      return values
    },
    write(writer, values) {
      writeLength(writer, width, values === null ? -1 : values.length)
      if (values !== null) for (const value of values) element.write(writer, value)
    },
  }
}

function coderOf(field: Field, version: number, flexible: boolean): Coder {
  const nullable = field.nullable !== undefined && inRange(field.nullable, version)
  if (field.type === 'struct') return struct(field.fields ?? [], version, flexible)
  if (field.type === 'array') {
    return array(struct(field.fields ?? [], version, flexible), flexible, nullable)
  }
  if (field.type.startsWith('[]')) {
    return array(scalar(field.type.slice(2) as Scalar, flexible, false), flexible, nullable)
  }
  return scalar(field.type as Scalar, flexible, nullable)
}

function readTagged(reader: Reader, fields: Compiled[], values: Values): void {
  const count = reader.uvarint()
  for (let i = 0; i < count; i++) {
    const tag = reader.uvarint()
    const size = reader.uvarint()
    const end = reader.take(size) + size
    const field = fields.find((one) => one.tag === tag)
    if (field === undefined) continue
    reader.position = end - size
    values[field.name] = field.coder.read(reader)
    if (reader.position !== end) throw new MalformedError(`tagged field ${tag} is not ${size} bytes long`)
  }
}

function writeTagged(writer: SlicingWriter, fields: Compiled[], values: Values): void {
  const present = fields.filter((field) => values[field.name] !== undefined && values[field.name] !== field.fallback)
  writer.uvarint(present.length)
  for (const field of present) {
    const body = new SlicingWriter(64)
    field.coder.write(body, values[field.name])
    writer.uvarint(field.tag)
    writer.uvarint(body.total)
    for (const chunk of body.chunks()) writer.slice(chunk)
  }
}

function struct(fields: Table, version: number, flexible: boolean): Coder<Values> {
  const plain: Compiled[] = []
  const tagged: Compiled[] = []
  const absent: [string, unknown][] = []
  for (const field of fields) {
    if (!inRange(field.versions, version)) {
      absent.push([field.name, fallbackOf(field)])
      continue
    }
    const isTagged = field.tag !== undefined && flexible && inRange(field.tagged, version)
    const coder = coderOf(field, version, flexible)
    const compiled = { name: field.name, coder, fallback: fallbackOf(field), tag: isTagged ? field.tag : -1 }
    ;(isTagged ? tagged : plain).push(compiled)
  }
  tagged.sort((a, b) => a.tag - b.tag)
  for (const field of tagged) absent.push([field.name, field.fallback])
  return {
    read(reader) {
      const values: Values = {}
      for (const field of plain) values[field.name] = field.coder.read(reader)
      for (const [name, value] of absent) values[name] = value
      if (flexible) readTagged(reader, tagged, values)
      return values
    },
    write(writer, values) {
      for (const field of plain) {
        const value = values[field.name]
        field.coder.write(writer, value === undefined ? field.fallback : value)
      }
      if (flexible) writeTagged(writer, tagged, values)
    },
  }
}

/** A table compiled for one version. */
export interface Codec<T extends Table> {
  read(reader: Reader): ReadOf<T>
  write(writer: SlicingWriter, values: WriteOf<T>): void
}

export function compile<T extends Table>(fields: T, version: number, flexible: boolean): Codec<T> {
  return struct(fields, version, flexible) as unknown as Codec<T>
}
