import { MalformedError, type Reader } from '../../../base/index.ts'
import type { Header } from '../../../core/index.ts'
import { readTable, writeTable } from './field-table.ts'
import { frameMethod, type FrameWriter } from './frame-writer.ts'
import { methods, type FieldType, type MethodName } from './methods.ts'

/** Short strings are binary strings (one char a byte): names are bytes. Long-long numbers beyond 2^53 are inexact. */
interface FieldValues {
  bit: boolean
  octet: number
  short: number
  long: number
  longlong: number
  shortstr: string
  longstr: Buffer
  table: Header[]
}

/** The arguments of one method, by the names of the table. */
export type Args<M extends MethodName> = {
  [F in keyof (typeof methods)[M]['fields']]: (typeof methods)[M]['fields'][F] extends FieldType
    ? FieldValues[(typeof methods)[M]['fields'][F]]
    : never
}

type AnyArgs = Record<string, FieldValues[FieldType]>

interface CompiledMethod {
  name: MethodName
  id: number
  fields: readonly (readonly [string, FieldType])[]
}

const byName = new Map<MethodName, CompiledMethod>()
const byId = new Map<number, CompiledMethod>()
for (const [key, facts] of Object.entries(methods)) {
  const name = key as MethodName
  const compiled = { name, id: methodId(facts.id), fields: Object.entries(facts.fields) as [string, FieldType][] }
  byName.set(name, compiled)
  byId.set(compiled.id, compiled)
}

/** Class and method as one number, as they stand at the front of a method frame's payload. */
function methodId(id: readonly [number, number]): number {
  return id[0] * 0x10000 + id[1]
}

export const idOf = (name: MethodName): number => methodId(methods[name].id)
export const nameOf = (id: number): MethodName | undefined => byId.get(id)?.name

/** Reads the arguments behind the method id. Throws `MalformedError`. What follows them is not looked at. */
export function readArgs<M extends MethodName>(name: M, r: Reader): Args<M> {
  const args: AnyArgs = {}
  let bits = 0
  let bit = 8
  for (const [field, type] of byName.get(name)!.fields) {
    if (type !== 'bit') {
      args[field] = readField(r, type)
      bit = 8
      continue
    }
    if (bit === 8) {
      bits = r.u8()
      bit = 0
    }
    args[field] = ((bits >> bit++) & 1) === 1
  }
  return args as Args<M>
}

function readField(r: Reader, type: Exclude<FieldType, 'bit'>): FieldValues[FieldType] {
  switch (type) {
    case 'octet':
      return r.u8()
    case 'short':
      return r.u16()
    case 'long':
      return r.u32()
    case 'longlong':
      return r.u32() * 0x1_0000_0000 + r.u32()
    case 'shortstr':
      return readShortstr(r)
    case 'longstr':
      return r.bytes(r.u32())
    case 'table':
      return readTable(r)
  }
}

export function readShortstr(r: Reader): string {
  const bytes = r.u8()
  if (bytes > r.remaining) throw new MalformedError(`a string of ${bytes} bytes in ${r.remaining}`)
  const start = r.take(bytes)
  return r.buffer.toString('latin1', start, start + bytes)
}

/** One whole method frame. */
export function writeMethod<M extends MethodName>(w: FrameWriter, channel: number, name: M, args: Args<M>): void {
  const { id, fields } = byName.get(name)!
  const begun = w.beginFrame(frameMethod, channel)
  w.u32(id)
  let bits = 0
  let bit = 0
  for (const [field, type] of fields) {
    const value = (args as AnyArgs)[field]!
    if (type === 'bit') {
      if (bit === 8) {
        w.u8(bits)
        bits = bit = 0
      }
      bits |= Number(value) << bit++
      continue
    }
    if (bit > 0) {
      w.u8(bits)
      bits = bit = 0
    }
    writeField(w, type, value)
  }
  if (bit > 0) w.u8(bits)
  w.endFrame(begun)
}

function writeField(w: FrameWriter, type: Exclude<FieldType, 'bit'>, value: FieldValues[FieldType]): void {
  switch (type) {
    case 'octet':
      return w.u8(value as number)
    case 'short':
      return w.u16(value as number)
    case 'long':
      return w.u32(value as number)
    case 'longlong':
      return w.u64(value as number)
    case 'shortstr':
      return w.shortstr(value as string)
    case 'longstr':
      return w.longstr(value as Buffer)
    case 'table':
      return writeTable(w, value as Header[])
  }
}
