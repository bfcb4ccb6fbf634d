import { MalformedError, type Reader } from '../../../base/index.ts'
import type { Header } from '../../../core/index.ts'
import { readTable, writeTable } from './field-table.ts'
import { frameHeader, frameOverheadBytes, type FrameWriter } from './frame-writer.ts'
import { readShortstr } from './method-codec.ts'

/**
 * The properties of a message. `correlationId` and `replyTo` are binary strings (one char a byte), the other short
 * strings are text; `timestamp` is an unsigned number of seconds.
 */
export interface BasicProperties {
  contentType?: string
  contentEncoding?: string
  headers?: Header[]
  deliveryMode?: number
  priority?: number
  correlationId?: string
  replyTo?: string
  expiration?: string
  messageId?: string
  timestamp?: bigint
  type?: string
  userId?: string
  appId?: string
  clusterId?: string
}

const flag = {
  contentType: 0x8000,
  contentEncoding: 0x4000,
  headers: 0x2000,
  deliveryMode: 0x1000,
  priority: 0x0800,
  correlationId: 0x0400,
  replyTo: 0x0200,
  expiration: 0x0100,
  messageId: 0x0080,
  timestamp: 0x0040,
  type: 0x0020,
  userId: 0x0010,
  appId: 0x0008,
  clusterId: 0x0004,
} as const

/** Bytes of class 2, weight 2 and body size 8 in front of the property flags. */
export const contentHeaderHeadBytes = 12

/** The class of every content. */
export const basicClass = 60

/** From the property flags (u16, bit 0 = another flag word follows) to the last property, in the order of the bits. */
export function readProperties(r: Reader): BasicProperties {
  const flags = r.u16()
  if ((flags & 3) !== 0) throw new MalformedError('unknown property flags')
  const p: BasicProperties = {}
  if (flags & flag.contentType) p.contentType = readText(r)
  if (flags & flag.contentEncoding) p.contentEncoding = readText(r)
  if (flags & flag.headers) p.headers = readTable(r)
  if (flags & flag.deliveryMode) p.deliveryMode = r.u8()
  if (flags & flag.priority) p.priority = r.u8()
  if (flags & flag.correlationId) p.correlationId = readShortstr(r)
  if (flags & flag.replyTo) p.replyTo = readShortstr(r)
  if (flags & flag.expiration) p.expiration = readText(r)
  if (flags & flag.messageId) p.messageId = readText(r)
  if (flags & flag.timestamp) p.timestamp = BigInt.asUintN(64, r.bigint64())
  if (flags & flag.type) p.type = readText(r)
  if (flags & flag.userId) p.userId = readText(r)
  if (flags & flag.appId) p.appId = readText(r)
  if (flags & flag.clusterId) p.clusterId = readText(r)
  if (r.remaining > 0) throw new MalformedError(`${r.remaining} bytes behind the properties`)
  return p
}

const readText = (r: Reader): string => r.utf8(r.u8())

export function writeProperties(w: FrameWriter, p: BasicProperties): void {
  const at = w.reserve(2)
  w.buffer.writeUInt16BE(flagsOf(p), at)
  if (p.contentType !== undefined) writeText(w, p.contentType)
  if (p.contentEncoding !== undefined) writeText(w, p.contentEncoding)
  if (p.headers !== undefined) writeTable(w, p.headers)
  if (p.deliveryMode !== undefined) w.u8(p.deliveryMode)
  if (p.priority !== undefined) w.u8(p.priority)
  if (p.correlationId !== undefined) w.shortstr(p.correlationId)
  if (p.replyTo !== undefined) w.shortstr(p.replyTo)
  if (p.expiration !== undefined) writeText(w, p.expiration)
  if (p.messageId !== undefined) writeText(w, p.messageId)
  if (p.timestamp !== undefined) w.bigint64(p.timestamp)
  if (p.type !== undefined) writeText(w, p.type)
  if (p.userId !== undefined) writeText(w, p.userId)
  if (p.appId !== undefined) writeText(w, p.appId)
  if (p.clusterId !== undefined) writeText(w, p.clusterId)
}

function flagsOf(p: BasicProperties): number {
  let flags = 0
  for (const [name, bit] of Object.entries(flag)) if (p[name as keyof BasicProperties] !== undefined) flags |= bit
  return flags
}

/** Text of at most 255 bytes: the mapping has seen to that. */
function writeText(w: FrameWriter, text: string): void {
  const bytes = Buffer.byteLength(text)
  if (bytes > 255) throw new RangeError(`a short string of ${bytes} bytes`)
  const at = w.reserve(1 + bytes)
  w.buffer[at] = bytes
  w.buffer.write(text, at + 1)
}

/** Only a body may come in several frames. */
export const headerFits = (properties: Uint8Array, frameBytesMax: number): boolean =>
  frameOverheadBytes + contentHeaderHeadBytes + properties.length <= frameBytesMax

/** A content header frame around properties that are encoded already, flags included. */
export function writeContentHeader(w: FrameWriter, channel: number, bodyBytes: number, properties: Uint8Array): void {
  const begun = w.beginFrame(frameHeader, channel)
  w.u16(basicClass)
  w.u16(0)
  w.u64(bodyBytes)
  w.bytes(properties)
  w.endFrame(begun)
}
