import { MalformedError } from '../../../base/index.ts'
import {
  frameBody,
  frameEnd,
  frameHeartbeat,
  frameMethod,
  frameOverheadBytes,
  type FrameWriter,
} from './frame-writer.ts'
import { idOf } from './method-codec.ts'

/**
 * The methods that come once a message, read and written by hand: no object of arguments, no table. `start` is where
 * the arguments begin, behind the method id.
 */

/**
 * basic.publish: ticket 2, exchange shortstr, routing-key shortstr, bits (mandatory, immediate). A publisher repeats
 * itself, so the caller compares the bytes of a publish with those of the one before, and reads them only when new.
 */
export interface PublishArgs {
  exchange: string
  routingKey: string
  mandatory: boolean
  immediate: boolean
}

export function readPublish(buffer: Buffer, start: number, end: number): PublishArgs {
  const exchangeAt = start + 3
  const keyAt = exchangeAt + (buffer[start + 2] ?? 0) + 1
  const bitsAt = keyAt + (buffer[keyAt - 1] ?? 0)
  if (bitsAt >= end) throw new MalformedError('basic.publish ends early')
  const bits = buffer[bitsAt]!
  return {
    exchange: buffer.toString('latin1', exchangeAt, keyAt - 1),
    routingKey: buffer.toString('latin1', keyAt, bitsAt),
    mandatory: (bits & 1) !== 0,
    immediate: (bits & 2) !== 0,
  }
}

/** The delivery tag at the front of ack, reject and nack; beyond 2^53 it is no tag of ours anyway. */
export function readDeliveryTag(buffer: Buffer, start: number, end: number): number {
  if (end - start < 9) throw new MalformedError('no room for a delivery tag and its bits')
  return buffer.readUInt32BE(start) * 0x1_0000_0000 + buffer.readUInt32BE(start + 4)
}

const deliverId = idOf('basic.deliver')
const getOkId = idOf('basic.get-ok')
const ackId = idOf('basic.ack')
const nackId = idOf('basic.nack')

/** What a run of deliveries has in common; short strings as bytes with their length in front. */
export interface DeliverRun {
  channel: number
  consumerTag: Buffer
  redelivered: boolean
  exchange: Buffer
  routingKey: Buffer
}

export function writeDeliver(w: FrameWriter, run: DeliverRun, deliveryTag: number): void {
  const begun = w.beginFrame(frameMethod, run.channel)
  w.u32(deliverId)
  w.bytes(run.consumerTag)
  w.u64(deliveryTag)
  w.u8(run.redelivered ? 1 : 0)
  w.bytes(run.exchange)
  w.bytes(run.routingKey)
  w.endFrame(begun)
}

export function writeGetOk(w: FrameWriter, run: DeliverRun, deliveryTag: number, messageCount: number): void {
  const begun = w.beginFrame(frameMethod, run.channel)
  w.u32(getOkId)
  w.u64(deliveryTag)
  w.u8(run.redelivered ? 1 : 0)
  w.bytes(run.exchange)
  w.bytes(run.routingKey)
  w.u32(messageCount)
  w.endFrame(begun)
}

/** A confirm: the broker's basic.ack or basic.nack. */
export function writeConfirm(
  w: FrameWriter,
  channel: number,
  ok: boolean,
  deliveryTag: number,
  multiple: boolean,
): void {
  const begun = w.beginFrame(frameMethod, channel)
  w.u32(ok ? ackId : nackId)
  w.u64(deliveryTag)
  w.u8(multiple ? 1 : 0)
  w.endFrame(begun)
}

/** Bodies from here on are handed to the socket as slices of where they lie; smaller ones are copied. */
const sliceBytesMin = 4096

/**
 * The body of a message in frames of at most `frameBytesMax`; an empty one has none. Returns the writer's pending bytes
 * and slices through `send`, in order, when the body is large.
 */
export function writeBody(
  w: FrameWriter,
  channel: number,
  body: Buffer,
  frameBytesMax: number,
  send: (bytes: Uint8Array) => void,
): void {
  const partBytesMax = frameBytesMax - frameOverheadBytes
  for (let at = 0; at < body.length; at += partBytesMax) {
    const part = body.length <= partBytesMax ? body : body.subarray(at, at + partBytesMax)
    const begun = w.beginFrame(frameBody, channel)
    if (part.length < sliceBytesMin) {
      w.bytes(part)
      w.endFrame(begun)
      continue
    }
    w.buffer.writeUInt32BE(part.length, w.length - 4)
    send(w.take())
    send(part)
    w.u8(frameEnd)
  }
}

export const heartbeatFrame = Buffer.from([frameHeartbeat, 0, 0, 0, 0, 0, 0, frameEnd])
