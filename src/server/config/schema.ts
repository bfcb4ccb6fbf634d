import { unreachable, type Outcome } from '../../base/index.ts'

/**
 * What one setting may be. From this table come the defaults, the checks with messages that name the key, the name
 * of the environment variable, and what `dragoman config --print` says.
 */
export type Field =
  | { kind: 'integer'; default: number; min: number; max: number; help: string }
  /** Bytes: a number, or text such as `64 KiB`, `1 GiB`. */
  | { kind: 'bytes'; default: number; min: number; max: number; help: string }
  /** Milliseconds: a number, or text such as `500ms`, `30s`, `7d`. */
  | { kind: 'duration'; default: number; min: number; max: number; help: string }
  | { kind: 'choice'; default: string; of: readonly string[]; help: string }
  | { kind: 'flag'; default: boolean; help: string }
  /** `filled`: it may not be empty. */
  | { kind: 'text'; default: string; filled?: true; help: string }

export interface Group {
  readonly [key: string]: Field | Group
}

/** The value of a validated group. */
export type Values<G extends Group> = {
  readonly [K in keyof G]: G[K] extends Group ? Values<G[K]> : G[K] extends Field ? ValueOf<G[K]> : never
}

type ValueOf<F extends Field> = F extends { kind: 'choice'; of: readonly (infer C)[] }
  ? C
  : F extends { kind: 'text' }
    ? string
    : F extends { kind: 'flag' }
      ? boolean
      : number

export const isField = (entry: Field | Group): entry is Field => typeof entry.kind === 'string'

/** Takes what came from YAML, the environment or flags. The failure names the key: `limits.connectionsMax: …`. */
export function validate<G extends Group>(group: G, given: unknown, path = ''): Outcome<Values<G>> {
  if (given !== undefined && given !== null && (typeof given !== 'object' || Array.isArray(given))) {
    return { error: 'invalid', detail: `${path || 'the configuration'}: must be a mapping of keys to values` }
  }
  const source = (given ?? {}) as Record<string, unknown>
  for (const key of Object.keys(source)) {
    if (Object.hasOwn(group, key)) continue
    const near = nearest(key, Object.keys(group))
    const hint = near === undefined ? `known keys: ${Object.keys(group).join(', ')}` : `did you mean ${near}?`
    return { error: 'invalid', detail: `${join(path, key)}: unknown key; ${hint}` }
  }
  const values: Record<string, unknown> = {}
  for (const [key, entry] of Object.entries(group)) {
    const at = join(path, key)
    const result: Outcome<unknown> = isField(entry)
      ? readField(entry, source[key], at)
      : validate(entry, source[key], at)
    if ('error' in result) return result
    values[key] = result.ok
  }
  return { ok: values as Values<G> }
}

export const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

function readField(field: Field, given: unknown, path: string): Outcome<unknown> {
  if (given === undefined || given === null) return { ok: field.default }
  const wrong = (wanted: string): Outcome<never> => {
    return { error: 'invalid', detail: `${path}: ${shown(given)} is not ${wanted}` }
  }
  switch (field.kind) {
    case 'integer':
    case 'bytes':
    case 'duration': {
      const value =
        typeof given === 'number' ? given : typeof given === 'string' ? parseUnit(given, units[field.kind]) : NaN
      if (!Number.isInteger(value)) return wrong(examples[field.kind])
      if (value < field.min || value > field.max) return wrong(`between ${field.min} and ${field.max}`)
      return { ok: value }
    }
    case 'choice':
      return typeof given === 'string' && field.of.includes(given)
        ? { ok: given }
        : wrong(`one of ${field.of.join(', ')}`)
    case 'flag':
      if (given === true || given === 'true') return { ok: true }
      return given === false || given === 'false' ? { ok: false } : wrong('true or false')
    case 'text':
      if (typeof given !== 'string') return wrong('text')
      return field.filled === true && given === ''
        ? { error: 'invalid', detail: `${path}: must not be empty` }
        : { ok: given }
    default:
      return unreachable(field)
  }
}

/** Whatever is nested may be large, or hold itself: YAML's aliases can say so. */
export function shown(given: unknown): string {
  if (typeof given !== 'object') return JSON.stringify(given)
  return Array.isArray(given) ? 'a list' : 'a group'
}

const examples = {
  integer: 'a whole number',
  bytes: 'a size such as 64 MiB',
  duration: 'a time such as 500ms, 30s or 7d',
}

const units = {
  integer: {},
  bytes: { b: 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 },
  duration: { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 },
}

function parseUnit(text: string, unit: Readonly<Record<string, number>>): number {
  const match = /^\s*(-?\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text)
  if (match === null) return NaN
  const factor = match[2] === '' ? 1 : unit[match[2]!.toLowerCase()]
  return factor === undefined ? NaN : Number(match[1]) * factor
}

function nearest(key: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  return (
    known.find((name) => plain(name) === plain(key)) ?? known.find((name) => distance(plain(name), plain(key)) <= 2)
  )
}

/** Levenshtein's, over two short words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
