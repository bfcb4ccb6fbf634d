import { MalformedError, Reader, unreachable, Writer } from '../base/index.ts'
import type { Levels } from './names.ts'

/**
 * What a message carries beside key, value and time, in the one form that all protocols share. A protocol writes it
 * as the record's *envelope* (see `BatchBuilder`); absent = the message did not say.
 */
export interface Properties {
  messageId?: string
  /** MQTT's is bytes, AMQP's a string; so bytes. */
  correlationId?: Buffer
  replyTo?: ReplyTo
  contentType?: string
  contentEncoding?: string
  type?: string
  user?: string
  app?: string
  /** 0..255, higher first. */
  priority?: number
  /** The publisher set this time itself: ms since 1970. Without it the record's timestamp is the broker's. */
  timestamp?: number
  /** The lifetime that the publisher asked for, ms, as a consumer of its own protocol sees it again. */
  timeToLiveMs?: number
  /** AMQP's delivery mode 2 (true) or 1 (false). */
  persistent?: boolean
  /** The body is UTF-8 text (MQTT 5 payload format 1). */
  utf8?: boolean
  /** MQTT's QoS of the publish, 0..2: what a subscriber gets is the lower of this and what it asked for. */
  qos?: number
  /** MQTT's RETAIN flag of the publish, for subscribers that want it as published. */
  retain?: boolean
  /** An empty list is not the same as none: a table may be there and hold nothing. */
  headers?: Header[]
  /**
   * Where in one list with the headers the publisher said the key, and properties that its protocol has no fields for:
   * in the order of that protocol's own table. Absent = before the headers, in that order.
   */
  places?: number[]
}

/** Where a reply goes: a log by its name (an AMQP queue), or an address in the shared space (an MQTT topic). */
export interface ReplyTo {
  kind: 'log' | 'address'
  name: Levels
}

/** Ordered, repeats allowed. `name` is UTF-8 text. */
export interface Header {
  name: string
  value: Value
}

/** A typed value; the tags are stored, so they are never renumbered. */
export type Value =
  | { type: 'null' }
  | { type: 'bool'; value: boolean }
  | { type: 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32'; value: number }
  | { type: 'i64' | 'u64'; value: bigint }
  | { type: 'f32' | 'f64'; value: number }
  | { type: 'decimal'; scale: number; value: number }
  /** Seconds since 1970, as AMQP has it. */
  | { type: 'seconds'; value: bigint }
  | { type: 'utf8'; value: string }
  | { type: 'bytes'; value: Buffer }
  | { type: 'list'; value: Value[] }
  | { type: 'map'; value: Header[] }

const valueTags = {
  null: 0,
  bool: 1,
  i8: 2,
  u8: 3,
  i16: 4,
  u16: 5,
  i32: 6,
  u32: 7,
  i64: 8,
  u64: 9,
  f32: 10,
  f64: 11,
  decimal: 12,
  seconds: 13,
  utf8: 14,
  bytes: 15,
  list: 16,
  map: 17,
} as const satisfies Record<Value['type'], number>
const valueTypes = Object.keys(valueTags) as Value['type'][]

/** Tables nest; deeper than this is an attack. */
export const valueDepthMax = 32

/**
 * Field tags of an envelope: (tag 1, length uvarint, bytes) each, in any order, a header as often as there are headers.
 * Stored: never renumber, only add. A reader skips tags that it does not know.
 */
const tag = {
  messageId: 1,
  correlationId: 2,
  replyToLog: 3,
  replyToAddress: 4,
  contentType: 5,
  contentEncoding: 6,
  type: 7,
  user: 8,
  app: 9,
  priority: 10,
  timestamp: 11,
  timeToLive: 12,
  persistent: 13,
  utf8: 14,
  qos: 15,
  header: 16,
  retain: 17,
  noHeaders: 18,
  places: 19,
} as const

const out = new Writer(512)
const scratch = new Writer(512)
const nothing = Buffer.alloc(0)

/** The envelope, as bytes of its own, or null when there is nothing to carry. */
export function encodeProperties(p: Properties): Buffer | null {
  out.reset()
  if (p.messageId !== undefined) text(tag.messageId, p.messageId)
  if (p.correlationId !== undefined) field(tag.correlationId, p.correlationId)
  if (p.replyTo !== undefined) replyTo(p.replyTo)
  if (p.contentType !== undefined) text(tag.contentType, p.contentType)
  if (p.contentEncoding !== undefined) text(tag.contentEncoding, p.contentEncoding)
  if (p.type !== undefined) text(tag.type, p.type)
  if (p.user !== undefined) text(tag.user, p.user)
  if (p.app !== undefined) text(tag.app, p.app)
  if (p.priority !== undefined) number(tag.priority, p.priority)
  if (p.timestamp !== undefined) number(tag.timestamp, p.timestamp)
  if (p.timeToLiveMs !== undefined) number(tag.timeToLive, p.timeToLiveMs)
  if (p.persistent !== undefined) number(tag.persistent, p.persistent ? 1 : 0)
  if (p.utf8 !== undefined) number(tag.utf8, p.utf8 ? 1 : 0)
  if (p.qos !== undefined) number(tag.qos, p.qos)
  if (p.retain !== undefined) number(tag.retain, p.retain ? 1 : 0)
  if (p.headers?.length === 0) field(tag.noHeaders, nothing)
  if (p.headers !== undefined) for (const header of p.headers) headerField(header)
  if (p.places !== undefined) places(p.places)
  return out.length === 0 ? null : out.finish()
}

function field(fieldTag: number, bytes: Uint8Array): void {
  out.u8(fieldTag)
  out.sized(bytes)
}

function text(fieldTag: number, value: string): void {
  out.u8(fieldTag)
  out.sizedUtf8(value)
}

function number(fieldTag: number, value: number): void {
  scratch.reset()
  scratch.varint(Math.trunc(value))
  field(fieldTag, scratch.view())
}

function replyTo(reply: ReplyTo): void {
  scratch.reset()
  for (const level of reply.name) scratch.sized(Buffer.from(level, 'latin1'))
  field(reply.kind === 'log' ? tag.replyToLog : tag.replyToAddress, scratch.view())
}

function headerField(header: Header): void {
  scratch.reset()
  scratch.sizedUtf8(header.name)
  writeValue(scratch, header.value, 0)
  field(tag.header, scratch.view())
}

function places(all: readonly number[]): void {
  scratch.reset()
  for (const place of all) scratch.uvarint(place)
  field(tag.places, scratch.view())
}

/** Appends a typed value: tag 1, then what the type needs. */
export function writeValue(w: Writer, v: Value, depth = 0): void {
  if (depth > valueDepthMax) throw new MalformedError('a header value nests too deep')
  w.u8(valueTags[v.type])
  switch (v.type) {
    case 'null':
      return
    case 'bool':
      return w.u8(v.value ? 1 : 0)
    case 'i8':
      return w.u8(v.value & 0xff)
    case 'u8':
      return w.u8(v.value)
    case 'i16':
      return w.i16(v.value)
    case 'u16':
      return w.u16(v.value)
    case 'i32':
      return w.i32(v.value)
    case 'u32':
      return w.u32(v.value)
    case 'i64':
    case 'u64':
    case 'seconds':
      return w.bigint64(v.value)
    case 'f32':
    case 'f64':
      return w.f64(v.value)
    case 'decimal':
      w.u8(v.scale)
      return w.i32(v.value)
    case 'utf8':
      return w.sizedUtf8(v.value)
    case 'bytes':
      return w.sized(v.value)
    case 'list':
      w.uvarint(v.value.length)
      for (const item of v.value) writeValue(w, item, depth + 1)
      return
    case 'map':
      w.uvarint(v.value.length)
      for (const item of v.value) {
        w.sizedUtf8(item.name)
        writeValue(w, item.value, depth + 1)
      }
      return
    default:
      unreachable(v)
  }
}

export function readValue(r: Reader, depth = 0): Value {
  if (depth > valueDepthMax) throw new MalformedError('a header value nests too deep')
  const type = valueTypes[r.u8()]
  switch (type) {
    case undefined:
      throw new MalformedError('unknown type of a header value')
    case 'null':
      return { type }
    case 'bool':
      return { type, value: r.u8() !== 0 }
    case 'i8':
      return { type, value: r.i8() }
    case 'u8':
      return { type, value: r.u8() }
    case 'i16':
      return { type, value: r.i16() }
    case 'u16':
      return { type, value: r.u16() }
    case 'i32':
      return { type, value: r.i32() }
    case 'u32':
      return { type, value: r.u32() }
    case 'i64':
    case 'seconds':
      return { type, value: r.bigint64() }
    case 'u64':
      return { type, value: BigInt.asUintN(64, r.bigint64()) }
    case 'f32':
    case 'f64':
      return { type, value: r.f64() }
    case 'decimal':
      return { type, scale: r.u8(), value: r.i32() }
    case 'utf8':
      return { type, value: r.sizedUtf8() }
    case 'bytes':
      return { type, value: r.sized() }
    case 'list':
      return { type, value: Array.from({ length: bounded(r) }, () => readValue(r, depth + 1)) }
    case 'map':
      return {
        type,
        value: Array.from({ length: bounded(r) }, () => ({ name: r.sizedUtf8(), value: readValue(r, depth + 1) })),
      }
    default:
      return unreachable(type)
  }
}

/** Every item takes a byte, so a count beyond what is left is a lie. */
function bounded(r: Reader): number {
  const count = r.uvarint()
  if (count > r.remaining) throw new MalformedError(`a list of ${count} items in ${r.remaining} bytes`)
  return count
}

/** Properties of an envelope; `{}` for none. Slices share the envelope's memory. */
export function decodeProperties(envelope: Buffer | null): Properties {
  const p: Properties = {}
  if (envelope === null) return p
  const r = new Reader(envelope)
  while (r.remaining > 0) readField(p, r.u8(), r.sized())
  return p
}

function readField(p: Properties, fieldTag: number, bytes: Buffer): void {
  switch (fieldTag) {
    case tag.messageId:
      p.messageId = bytes.toString()
      break
    case tag.correlationId:
      p.correlationId = bytes
      break
    case tag.replyToLog:
      p.replyTo = { kind: 'log', name: readLevels(bytes) }
      break
    case tag.replyToAddress:
      p.replyTo = { kind: 'address', name: readLevels(bytes) }
      break
    case tag.contentType:
      p.contentType = bytes.toString()
      break
    case tag.contentEncoding:
      p.contentEncoding = bytes.toString()
      break
    case tag.type:
      p.type = bytes.toString()
      break
    case tag.user:
      p.user = bytes.toString()
      break
    case tag.app:
      p.app = bytes.toString()
      break
    case tag.priority:
      p.priority = new Reader(bytes).varint()
      break
    case tag.timestamp:
      p.timestamp = new Reader(bytes).varint()
      break
    case tag.timeToLive:
      p.timeToLiveMs = new Reader(bytes).varint()
      break
    case tag.persistent:
      p.persistent = new Reader(bytes).varint() !== 0
      break
    case tag.utf8:
      p.utf8 = new Reader(bytes).varint() !== 0
      break
    case tag.qos:
      p.qos = new Reader(bytes).varint()
      break
    case tag.retain:
      p.retain = new Reader(bytes).varint() !== 0
      break
    case tag.noHeaders:
      p.headers ??= []
      break
    case tag.header: {
      const r = new Reader(bytes)
      const name = r.sizedUtf8()
      ;(p.headers ??= []).push({ name, value: readValue(r) })
      break
    }
    case tag.places: {
      const r = new Reader(bytes)
      p.places = []
      while (r.remaining > 0) p.places.push(r.uvarint())
      break
    }
  }
}

function readLevels(bytes: Buffer): Levels {
  const r = new Reader(bytes)
  const levels: string[] = []
  while (r.remaining > 0) levels.push(r.sized().toString('latin1'))
  return levels
}
