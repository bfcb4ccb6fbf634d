import { unreachable } from '../../base/index.ts'
import type { RecordTable } from '../../log/index.ts'
import type { Json, Predicate } from '../facade/index.ts'
import { decodeProperties } from '../message.ts'
import type { Header, Value } from '../message.ts'

/** True, false, or null: unknown. */
export type CompiledPredicate = (headers: HeaderView) => boolean | null

/** The headers of one record at a time, decoded when the first predicate asks. */
export class HeaderView {
  private readonly table: RecordTable
  private readonly foreign: boolean
  private record = -1
  private decoded: readonly Header[] | null = null

  constructor(table: RecordTable, foreign: boolean) {
    this.table = table
    this.foreign = foreign
  }

  at(record: number): this {
    if (record !== this.record) this.decoded = null
    this.record = record
    return this
  }

  all(): readonly Header[] {
    return (this.decoded ??= this.foreign
      ? (decodeProperties(this.table.envelope(this.record)).headers ?? [])
      : this.table.headers(this.record).map(({ key, value }) => ({
          name: key.toString(),
          value: value === null ? { type: 'null' } : { type: 'bytes', value },
        })))
  }
}

export function compilePredicate(p: Predicate): CompiledPredicate {
  switch (p.op) {
    case 'all':
      return every(p.of.map(compilePredicate), false)
    case 'any':
      return every(p.of.map(compilePredicate), true)
    case 'not': {
      const of = compilePredicate(p.of)
      return (headers) => {
        const held = of(headers)
        return held === null ? null : !held
      }
    }
    case 'exists':
      return (headers) => headers.all().some((h) => h.name === p.header)
    case 'equal':
      return (headers) => anyEqual(headers.all(), p.header, p.value)
    default:
      return unreachable(p)
  }
}

/** Three-valued `or` where `decisive` is true, `and` where it is false. */
function every(parts: CompiledPredicate[], decisive: boolean): CompiledPredicate {
  return (headers) => {
    let unknown = false
    for (const part of parts) {
      const held = part(headers)
      if (held === decisive) return decisive
      if (held === null) unknown = true
    }
    return unknown ? null : !decisive
  }
}

function anyEqual(headers: readonly Header[], name: string, wanted: Json): boolean | null {
  let result: boolean | null = null
  for (const header of headers) {
    if (header.name !== name) continue
    const equal = isEqual(header.value, wanted)
    if (equal === true) return true
    if (equal === false) result = false
  }
  return result
}

/** By family: numbers by value, text and bytes by bytes. Null compares with nothing. */
function isEqual(value: Value, wanted: Json): boolean | null {
  if (value.type === 'null' || wanted === null) return null
  switch (value.type) {
    case 'bool':
      return value.value === wanted
    case 'utf8':
      return value.value === wanted
    case 'bytes':
      return typeof wanted === 'string' && value.value.equals(Buffer.from(wanted))
    case 'list':
      return (
        Array.isArray(wanted) &&
        wanted.length === value.value.length &&
        value.value.every((item, i) => isEqual(item, wanted[i] as Json) === true)
      )
    case 'map':
      return isEqualMap(value.value, wanted)
    case 'decimal':
      return value.value / 10 ** value.scale === wanted
    default:
      return Number(value.value) === wanted
  }
}

function isEqualMap(map: readonly Header[], wanted: Json): boolean {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) return false
  const fields = new Map(Object.entries(wanted))
  return (
    map.length === fields.size &&
    map.every(({ name, value }) => fields.has(name) && isEqual(value, fields.get(name)!) === true)
  )
}
