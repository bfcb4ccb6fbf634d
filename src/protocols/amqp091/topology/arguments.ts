import type { Header, Json, Value } from '../../../core/index.ts'

/** A table of arguments as it is kept for comparing: name, type, value as text, by name. */
export type ArgumentsJson = readonly (readonly [name: string, type: string, value: string])[]

const integers = new Set<Value['type']>(['i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'i64', 'u64'])

/** The number an integer of any width says, or undefined. */
export function integerOf(value: Value | undefined): number | undefined {
  return value !== undefined && integers.has(value.type)
    ? Number((value as { value: number | bigint }).value)
    : undefined
}

export const textOf = (value: Value | undefined): string | undefined =>
  value?.type === 'utf8' ? value.value : undefined

export const argument = (table: readonly Header[], name: string): Value | undefined =>
  table.find((header) => header.name === name)?.value

/** Names of types as error texts give them. */
export function typeName(value: Value): string {
  switch (value.type) {
    case 'null':
      return 'void'
    case 'bool':
      return 'bool'
    case 'i8':
      return 'byte'
    case 'u8':
      return 'unsignedbyte'
    case 'i16':
      return 'short'
    case 'u16':
      return 'unsignedshort'
    case 'i32':
      return 'signedint'
    case 'u32':
      return 'unsignedint'
    case 'i64':
    case 'u64':
      return 'long'
    case 'f32':
      return 'float'
    case 'f64':
      return 'double'
    case 'decimal':
      return 'decimal'
    case 'seconds':
      return 'timestamp'
    case 'utf8':
      return 'longstr'
    case 'bytes':
      return 'binary'
    case 'list':
      return 'array'
    case 'map':
      return 'table'
  }
}

export function plainText(value: Value): string {
  switch (value.type) {
    case 'null':
      return ''
    case 'bytes':
      return value.value.toString('latin1')
    case 'decimal':
      return `${value.value}e-${value.scale}`
    case 'list':
      return `[${value.value.map((item) => `${typeName(item)}:${plainText(item)}`).join(',')}]`
    case 'map':
      return `{${value.value.map((h) => `${h.name}=${typeName(h.value)}:${plainText(h.value)}`).join(',')}}`
    default:
      return String(value.value)
  }
}

export function argumentsJson(table: readonly Header[]): ArgumentsJson {
  return table
    .map(({ name, value }) => [name, typeName(value), plainText(value)] as const)
    .sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
}

/** Equal by value; integers of different widths are equal. */
export function sameArgument(a: ArgumentsJson[number] | undefined, b: ArgumentsJson[number] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a[2] === b[2] && (a[1] === b[1] || (isIntegerName(a[1]) && isIntegerName(b[1])))
}

const isIntegerName = (type: string): boolean =>
  /^(byte|unsignedbyte|short|unsignedshort|signedint|unsignedint|long)$/.test(type)

/** What it means to leave an argument out. */
const defaults: ArgumentsJson = [['x-queue-type', 'longstr', 'classic']]

/** As RabbitMQ says it, for the first of `names` that differs; or undefined. */
export function inequivalentArgument(
  names: readonly string[],
  received: ArgumentsJson,
  current: ArgumentsJson,
  of: string,
): string | undefined {
  for (const name of names) {
    const a = received.find((item) => item[0] === name)
    const b = current.find((item) => item[0] === name)
    const byDefault = defaults.find((item) => item[0] === name)
    if (sameArgument(a ?? byDefault, b ?? byDefault)) continue
    const said = a === undefined ? 'none' : `the value '${a[2]}' of type '${a[1]}'`
    const is = b === undefined ? 'none' : `the value '${b[2]}' of type '${b[1]}'`
    return `inequivalent arg '${name}' for ${of}: received ${said} but current is ${is}`
  }
  return undefined
}

export function inequivalent(name: string, received: unknown, current: unknown, of: string): string {
  return `inequivalent arg '${name}' for ${of}: received '${String(received)}' but current is '${String(current)}'`
}

/** A header value as a predicate compares it. Bytes that are no text equal nothing. */
export function jsonOf(value: Value): Json {
  switch (value.type) {
    case 'null':
      return null
    case 'bool':
    case 'i8':
    case 'u8':
    case 'i16':
    case 'u16':
    case 'i32':
    case 'u32':
    case 'f32':
    case 'f64':
    case 'utf8':
      return value.value
    case 'i64':
    case 'u64':
    case 'seconds':
      return Number(value.value)
    case 'bytes':
      return value.value.toString()
    case 'decimal':
      return value.value / 10 ** value.scale
    case 'list':
      return value.value.map(jsonOf)
    case 'map':
      return Object.fromEntries(value.value.map((header) => [header.name, jsonOf(header.value)]))
  }
}
