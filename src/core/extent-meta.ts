import { MalformedError, Reader, Writer } from '../base/index.ts'
import type { Address, HistoryEntry, Id } from './facade/index.ts'
import type { Levels } from './names.ts'

/** What the core keeps beside each stored copy (`ExtentFacts.meta`): the facts that hold for all its records. */
export interface ExtentMeta {
  /** The session that published; 0: the broker itself. */
  publisher: Id
  /** Where it was published; null: appended by name to an unbound log. */
  address: Address | null
  /** Where else, in a publish that waits for its time. */
  others: readonly Address[]
  /** The routes that brought the copy here. */
  routes: readonly Id[]
  /** ms since 1970; null: never. */
  expiresAt: number | null
  notBefore: number | null
  priority: number
  /** Newest first. */
  history: readonly HistoryEntry[]
  /** How often it was published again (I3). */
  hops: number
  /** The dedupe window is rebuilt from these. */
  messageId: string | null
}

export const plainMeta: ExtentMeta = {
  publisher: 0,
  address: null,
  others: [],
  routes: [],
  expiresAt: null,
  notBefore: null,
  priority: 0,
  history: [],
  hops: 0,
  messageId: null,
}

/** Stored: a new meaning is a new version, and old versions stay readable. */
const version = 1
/** Which fields follow. Stored, so never renumbered. */
const bit = {
  publisher: 1,
  address: 2,
  routes: 4,
  expiresAt: 8,
  notBefore: 16,
  priority: 32,
  history: 64,
  hops: 128,
  messageId: 256,
  others: 512,
} as const

const out = new Writer(256)

/**
 *   version 1 | fields uvarint | publisher | space, levels | routes | expiresAt | notBefore | priority | history | hops
 *   | messageId | count, (space, levels)...: those whose bit is set, in this order, numbers as uvarints
 *
 * Bytes of their own.
 */
export function encodeExtentMeta(meta: ExtentMeta): Buffer {
  out.reset()
  out.u8(version)
  out.uvarint(fieldsOf(meta))
  if (meta.publisher !== 0) out.uvarint(meta.publisher)
  if (meta.address !== null) writeAddress(meta.address)
  if (meta.routes.length > 0) {
    out.uvarint(meta.routes.length)
    for (const route of meta.routes) out.uvarint(route)
  }
  if (meta.expiresAt !== null) out.uvarint(wholeMs(meta.expiresAt))
  if (meta.notBefore !== null) out.uvarint(wholeMs(meta.notBefore))
  if (meta.priority !== 0) out.uvarint(meta.priority)
  if (meta.history.length > 0) writeHistory(meta.history)
  if (meta.hops !== 0) out.uvarint(meta.hops)
  if (meta.messageId !== null) out.sizedUtf8(meta.messageId)
  if (meta.others.length > 0) {
    out.uvarint(meta.others.length)
    for (const address of meta.others) writeAddress(address)
  }
  return out.finish()
}

/** A time that somebody computed: perhaps with a fraction, or beyond all numbers. */
const wholeMs = (time: number): number => Math.min(Math.ceil(time), Number.MAX_SAFE_INTEGER)

function writeAddress({ space, levels }: Address): void {
  out.uvarint(space)
  writeLevels(levels)
}

function fieldsOf(meta: ExtentMeta): number {
  return (
    (meta.publisher !== 0 ? bit.publisher : 0) |
    (meta.address !== null ? bit.address : 0) |
    (meta.routes.length > 0 ? bit.routes : 0) |
    (meta.expiresAt !== null ? bit.expiresAt : 0) |
    (meta.notBefore !== null ? bit.notBefore : 0) |
    (meta.priority !== 0 ? bit.priority : 0) |
    (meta.history.length > 0 ? bit.history : 0) |
    (meta.hops !== 0 ? bit.hops : 0) |
    (meta.messageId !== null ? bit.messageId : 0) |
    (meta.others.length > 0 ? bit.others : 0)
  )
}

function writeLevels(levels: Levels): void {
  out.uvarint(levels.length)
  for (const level of levels) {
    out.uvarint(level.length)
    const at = out.reserve(level.length)
    out.buffer.write(level, at, 'latin1')
  }
}

function writeHistory(history: readonly HistoryEntry[]): void {
  out.uvarint(history.length)
  for (const entry of history) {
    writeLevels(entry.log)
    out.sizedUtf8(entry.reason)
    out.uvarint(entry.count)
    out.uvarint(entry.time)
    out.u8(entry.address === null ? 0 : 1)
    if (entry.address !== null) {
      out.sizedUtf8(entry.address.space)
      writeLevels(entry.address.levels)
    }
  }
}

/** Throws `MalformedError`: stored bytes of another version, or none of ours. */
export function decodeExtentMeta(bytes: Buffer): ExtentMeta {
  const r = new Reader(bytes)
  const found = r.u8()
  if (found !== version) throw new MalformedError(`facts of a stored batch in version ${found}, known is ${version}`)
  const fields = r.uvarint()
  const has = (field: number): boolean => (fields & field) !== 0
  return {
    publisher: has(bit.publisher) ? r.uvarint() : 0,
    address: has(bit.address) ? readAddress(r) : null,
    routes: has(bit.routes) ? readRoutes(r) : plainMeta.routes,
    expiresAt: has(bit.expiresAt) ? r.uvarint() : null,
    notBefore: has(bit.notBefore) ? r.uvarint() : null,
    priority: has(bit.priority) ? r.uvarint() : 0,
    history: has(bit.history) ? Array.from({ length: bounded(r) }, () => readHistoryEntry(r)) : plainMeta.history,
    hops: has(bit.hops) ? r.uvarint() : 0,
    messageId: has(bit.messageId) ? r.sizedUtf8() : null,
    others: has(bit.others) ? Array.from({ length: bounded(r) }, () => readAddress(r)) : plainMeta.others,
  }
}

const readAddress = (r: Reader): Address => ({ space: r.uvarint(), levels: readLevels(r) })

function readHistoryEntry(r: Reader): HistoryEntry {
  const log = readLevels(r)
  const reason = r.sizedUtf8()
  const count = r.uvarint()
  const time = r.uvarint()
  const address = r.u8() === 0 ? null : { space: r.sizedUtf8(), levels: readLevels(r) }
  return { log, reason, count, time, address }
}

function readLevels(r: Reader): Levels {
  const levels: string[] = []
  for (let n = bounded(r); n > 0; n--) levels.push(readLevel(r))
  return levels
}

/** The call into native code costs more than a short level. */
const nativeBytesMin = 24

function readLevel(r: Reader): string {
  const bytes = r.uvarint()
  const at = r.take(bytes)
  if (bytes >= nativeBytesMin) return r.buffer.toString('latin1', at, at + bytes)
  let level = ''
  for (let i = at; i < at + bytes; i++) level += String.fromCharCode(r.buffer[i]!)
  return level
}

function readRoutes(r: Reader): Id[] {
  const routes: Id[] = []
  for (let n = bounded(r); n > 0; n--) routes.push(r.uvarint())
  return routes
}

/** Every item takes a byte, so a count beyond what is left is a lie. */
function bounded(r: Reader): number {
  const count = r.uvarint()
  if (count > r.remaining) throw new MalformedError(`a list of ${count} items in ${r.remaining} bytes`)
  return count
}
