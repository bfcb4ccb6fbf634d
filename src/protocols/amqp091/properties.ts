import { isUtf8 } from 'node:buffer'
import { keyHeader, levelBytes, type Header, type Properties } from '../../core/index.ts'
import { destinationName, destinationOf } from './names.ts'
import type { BasicProperties } from './wire/index.ts'

/**
 * AMQP's properties and the form that all protocols share, both ways. What has no place there travels as a header and
 * comes back as what it was: the cluster id, and a time too far away to count in milliseconds. A record's key is the
 * header `x-key`, in both directions. See docs/crossing.md for what else differs.
 */
const clusterIdHeader = 'amqp-cluster-id'
const timestampHeader = 'amqp-timestamp'
const secondsMax = 4_000_000_000_000n

export interface Envelope {
  properties: Properties
  /** The record's key, from its header. */
  key: Buffer | null
}

export function toProperties(p: BasicProperties): Envelope {
  const out: Properties = {}
  if (p.messageId !== undefined) out.messageId = p.messageId
  if (p.correlationId !== undefined) out.correlationId = levelBytes(p.correlationId)
  if (p.replyTo !== undefined) out.replyTo = destinationOf(p.replyTo)
  if (p.contentType !== undefined) out.contentType = p.contentType
  if (p.contentEncoding !== undefined) out.contentEncoding = p.contentEncoding
  if (p.type !== undefined) out.type = p.type
  if (p.userId !== undefined) out.user = p.userId
  if (p.appId !== undefined) out.app = p.appId
  if (p.priority !== undefined) out.priority = p.priority
  if (p.expiration !== undefined) out.timeToLiveMs = Number(p.expiration)
  if (p.deliveryMode !== undefined) out.persistent = p.deliveryMode === 2
  const key = takeKey(p)
  const carried = (h: Header): boolean => h.name !== 'BCC' && (key === null || h.name !== keyHeader)
  const headers = p.headers?.filter(carried) ?? []
  const table = p.headers !== undefined
  if (p.timestamp !== undefined) {
    if (p.timestamp <= secondsMax) out.timestamp = Number(p.timestamp) * 1000
    else headers.push({ name: timestampHeader, value: { type: 'seconds', value: p.timestamp } })
  }
  if (p.clusterId !== undefined) headers.push({ name: clusterIdHeader, value: { type: 'utf8', value: p.clusterId } })
  if (table || headers.length > 0) out.headers = headers
  return { properties: out, key }
}

function takeKey(p: BasicProperties): Buffer | null {
  const value = p.headers?.find((h) => h.name === keyHeader)?.value
  if (value?.type === 'utf8') return Buffer.from(value.value)
  return value?.type === 'bytes' ? value.value : null
}

export function fromProperties(p: Properties, key: Buffer | null): BasicProperties {
  const out: BasicProperties = {}
  const headers: Header[] = []
  const text = (
    name: 'contentType' | 'contentEncoding' | 'messageId' | 'type' | 'userId' | 'appId',
    value?: string,
  ): void => {
    if (value === undefined) return
    if (Buffer.byteLength(value) <= 255) out[name] = value
    else headers.push({ name: `x-${name}`, value: { type: 'utf8', value } })
  }
  text('contentType', p.contentType)
  text('contentEncoding', p.contentEncoding)
  text('messageId', p.messageId)
  text('type', p.type)
  text('userId', p.user)
  text('appId', p.app)
  if (p.correlationId !== undefined) {
    if (p.correlationId.length <= 255) out.correlationId = p.correlationId.toString('latin1')
    else headers.push({ name: 'x-correlationId', value: { type: 'bytes', value: p.correlationId } })
  }
  if (p.replyTo !== undefined) replyTo(out, headers, destinationName(p.replyTo))
  if (p.priority !== undefined) out.priority = p.priority
  if (p.timeToLiveMs !== undefined) out.expiration = String(p.timeToLiveMs)
  if (p.persistent !== undefined) out.deliveryMode = p.persistent ? 2 : 1
  if (p.timestamp !== undefined && p.timestamp >= 0) out.timestamp = BigInt(Math.floor(p.timestamp / 1000))
  for (const header of p.headers ?? []) {
    const { name, value } = header
    if (name === clusterIdHeader && value.type === 'utf8' && Buffer.byteLength(value.value) <= 255)
      out.clusterId = value.value
    else if (name === timestampHeader && value.type === 'seconds') out.timestamp = BigInt.asUintN(64, value.value)
    else headers.push(header)
  }
  if (key !== null) headers.push({ name: keyHeader, value: textOrBytes(key) })
  if (p.headers !== undefined || headers.length > 0) out.headers = headers
  return out
}

function replyTo(out: BasicProperties, headers: Header[], name: string): void {
  if (name.length <= 255) out.replyTo = name
  else headers.push({ name: 'x-replyTo', value: textOrBytes(levelBytes(name)) })
}

export const textOrBytes = (bytes: Buffer): Header['value'] =>
  isUtf8(bytes) ? { type: 'utf8', value: bytes.toString() } : { type: 'bytes', value: bytes }
