import type { Outcome } from '../../base/index.ts'
import { isField, type Field, type Group } from './schema.ts'
import { serverSchema, type Known } from './settings.ts'

export type Raw = Readonly<Record<string, unknown>>

/** Where `DRAGOMAN_LIMITS_CONNECTIONS_MAX` belongs: every key path by the name of its variable. */
export function environmentNames(known: Known): Map<string, readonly string[]> {
  const names = new Map<string, readonly string[]>()
  const add = (path: readonly string[]): void => void names.set(variableName(path), path)
  const walk = (group: Group, path: readonly string[]): void => {
    for (const [key, entry] of Object.entries(group)) {
      if (isField(entry)) add([...path, key])
      else walk(entry, [...path, key])
    }
  }
  walk(serverSchema, [])
  walk(known.protocols, ['protocols'])
  for (const name of Object.keys(known.listeners)) add(['listen', name])
  return names
}

export function variableName(path: readonly string[]): string {
  const words = path.map((key) =>
    key
      .replaceAll('-', '_')
      .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
      .toUpperCase(),
  )
  return ['DRAGOMAN', ...words].join('_')
}

/**
 * Kubernetes and Docker's links tell every container of a service called `dragoman`, or `dragoman-something`, where that
 * is: DRAGOMAN_SERVICE_HOST, DRAGOMAN_PORT=tcp://10.0.0.1:9092, DRAGOMAN_PORT_9092_TCP_ADDR.
 */
function isOfService(name: string, value: string | undefined): boolean {
  if (/^DRAGOMAN_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/.test(name))
    return true
  return name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value ?? '')
}

/** The part of the configuration that the environment gives. A `DRAGOMAN_` variable that means nothing is an error. */
export function fromEnvironment(environment: Readonly<Record<string, string | undefined>>, known: Known): Outcome<Raw> {
  const names = environmentNames(known)
  const raw: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('DRAGOMAN_') || name === 'DRAGOMAN_CONFIG' || name === 'DRAGOMAN_URL') continue
    const path = names.get(name)
    if (path === undefined && isOfService(name, value)) continue
    if (path === undefined)
      return { error: 'invalid', detail: `${name}: no setting has this name; see dragoman config --print` }
    put(raw, path, value)
  }
  return { ok: raw }
}

/** A scalar on the way gives way to a mapping: what is wrong then is said where values are checked. */
export function put(raw: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = raw
  for (const key of path.slice(0, -1)) {
    const below = Object.hasOwn(at, key) ? at[key] : undefined
    const mapping: Record<string, unknown> = isMapping(below) ? below : {}
    if (mapping !== below) set(at, key, mapping)
    at = mapping
  }
  set(at, path.at(-1)!, value)
}

/** `__proto__` is a key like any other, to be refused as unknown. */
function set(at: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(at, key, { value, enumerable: true, writable: true, configurable: true })
}

/** `over` wins, key by key. */
export function merge(under: Raw, over: Raw): Raw {
  const result: Record<string, unknown> = { ...under }
  for (const [key, value] of Object.entries(over)) {
    const below = Object.hasOwn(result, key) ? result[key] : undefined
    set(result, key, isMapping(below) && isMapping(value) ? merge(below, value) : value)
  }
  return result
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** All fields with their paths, for printing. */
export function fields(known: Known): { path: readonly string[]; field: Field }[] {
  const found: { path: readonly string[]; field: Field }[] = []
  const walk = (group: Group, path: readonly string[]): void => {
    for (const [key, entry] of Object.entries(group)) {
      if (isField(entry)) found.push({ path: [...path, key], field: entry })
      else walk(entry, [...path, key])
    }
  }
  walk(serverSchema, [])
  walk(known.protocols, ['protocols'])
  return found
}
