/**
 * The vocabulary of the field tables in `tables/`, and the TypeScript types that follow from them.
 *
 * A table is a list of fields in wire order. `versions` absent means all that are advertised. A field with `tag` is
 * written among the tagged fields in the versions of `tagged` (absent: wherever the field exists). A field that a
 * version lacks reads as its default, and is not written.
 */
export type Scalar = 'bool' | 'int8' | 'int16' | 'int32' | 'int64' | 'string' | 'bytes' | 'uuid' | 'records'

export interface Field {
  readonly name: string
  readonly type: Scalar | '[]int32' | '[]string' | '[]uuid' | '[]int8' | 'array' | 'struct'
  readonly versions?: string
  readonly nullable?: string
  readonly tag?: number
  readonly tagged?: string
  readonly default?: number | boolean | string | null
  readonly fields?: readonly Field[]
}

export type Table = readonly Field[]

/** One API: its key, the versions that are answered, the first flexible one (KIP-482), and both tables. */
export interface Api<Request extends Table = Table, Response extends Table = Table> {
  readonly name: string
  readonly key: number
  readonly versionMin: number
  readonly versionMax: number
  readonly flexibleFrom: number | null
  readonly request: Request
  readonly response: Response
}

/** A field of type `records`: one slice, or several that follow one another on the wire. */
export type RecordsValue = Buffer | Buffer[]

interface Scalars {
  bool: boolean
  int8: number
  int16: number
  int32: number
  int64: number
  string: string
  bytes: Buffer
  /** 32 lower-case hexadecimal digits. */
  uuid: string
  '[]int8': number[]
  '[]int32': number[]
  '[]string': string[]
  '[]uuid': string[]
}

type OrNull<F extends Field> = F extends { nullable: string } ? null : never

type ReadValue<F extends Field> = F extends { type: 'array'; fields: infer S extends Table }
  ? ReadOf<S>[]
  : F extends { type: 'struct'; fields: infer S extends Table }
    ? ReadOf<S>
    : F['type'] extends 'records'
      ? Buffer
      : F['type'] extends keyof Scalars
        ? Scalars[F['type']]
        : never

/** What a decoder returns: every field of the table, defaults where the version lacks it. */
export type ReadOf<T extends Table> = { [F in T[number] as F['name']]: ReadValue<F> | OrNull<F> }

type WriteValue<F extends Field> = F extends { type: 'array'; fields: infer S extends Table }
  ? WriteOf<S>[]
  : F extends { type: 'struct'; fields: infer S extends Table }
    ? WriteOf<S>
    : F['type'] extends 'records'
      ? RecordsValue
      : F['type'] extends keyof Scalars
        ? Scalars[F['type']]
        : never

type IsOptional = { versions: string } | { tag: number } | { default: Field['default'] }

/** What an encoder takes: fields that only some versions have, or that have a default, may be left out. */
export type WriteOf<T extends Table> = {
  [F in T[number] as F extends IsOptional ? never : F['name']]: WriteValue<F> | OrNull<F>
} & {
  [F in T[number] as F extends IsOptional ? F['name'] : never]?: WriteValue<F> | OrNull<F> | undefined
}

/** Keeps the literal types of a table, which `ReadOf` and `WriteOf` are made from. */
export function table<const T extends Table>(fields: T): T {
  return fields
}

export function api<Request extends Table, Response extends Table>(
  one: Api<Request, Response>,
): Api<Request, Response> {
  return one
}

/** Whether `version` lies in a range such as `3`, `0-7` or `12+`; an absent range holds every version. */
export function inRange(range: string | undefined, version: number): boolean {
  if (range === undefined) return true
  if (range.endsWith('+')) return version >= Number(range.slice(0, -1))
  const [low, high = low] = range.split('-')
  return version >= Number(low) && version <= Number(high)
}

export const ZERO_UUID = '0'.repeat(32)
