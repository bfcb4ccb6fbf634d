import { Writer } from '../../../../base/index.ts'
import { PacketType } from '../constants.ts'
import type { Qos, Version } from '../constants.ts'
import { variableIntBytes } from '../primitives.ts'
import type { Properties } from '../properties/table.ts'
import { propertiesBytes, writeProperties } from '../properties/write.ts'

/**
 * What a PUBLISH has in common for all its receivers: made once for each record and sent to many.
 * `properties` are encoded without their length, so that a receiver's own can follow.
 */
export interface PublishForm {
  topic: Buffer
  properties: Buffer
  payload: Buffer
}

/** What differs from receiver to receiver. */
export interface PublishHead {
  qos: Qos
  dup: boolean
  retain: boolean
  packetId: number
  /** The properties of this receiver alone: subscription identifiers, topic alias, remaining expiry. */
  own: Properties
  /** The topic was sent before and `own.topicAlias` stands for it. */
  topicOmitted: boolean
}

const none = Buffer.alloc(0)
const propertyWriter = new Writer(1024)

/** The encoded common properties. */
export function encodeProperties(values: Properties): Buffer {
  const bytes = propertiesBytes(values)
  if (bytes === 0) return none
  propertyWriter.reset()
  writeProperties(propertyWriter, values, bytes)
  return Buffer.from(propertyWriter.view().subarray(variableIntBytes(bytes)))
}

/** Bytes of the whole packet: a receiver's Maximum Packet Size is judged before anything is written. */
export function publishBytes(form: PublishForm, head: PublishHead, version: Version): number {
  const remaining = remainingBytes(form, head, version)
  return 1 + variableIntBytes(remaining) + remaining
}

function remainingBytes(form: PublishForm, head: PublishHead, version: Version): number {
  const fixed = 2 + (head.topicOmitted ? 0 : form.topic.length) + (head.qos > 0 ? 2 : 0) + form.payload.length
  if (version < 5) return fixed
  const properties = form.properties.length + propertiesBytes(head.own)
  return fixed + variableIntBytes(properties) + properties
}

/** Everything of a PUBLISH but its payload, which follows it on the wire. */
export function writePublishHead(writer: Writer, form: PublishForm, head: PublishHead, version: Version): void {
  const topicBytes = head.topicOmitted ? 0 : form.topic.length
  writer.u8((PacketType.publish << 4) | (head.dup ? 8 : 0) | (head.qos << 1) | (head.retain ? 1 : 0))
  writer.uvarint(remainingBytes(form, head, version))
  writer.u16(topicBytes)
  if (topicBytes > 0) writer.bytes(form.topic)
  if (head.qos > 0) writer.u16(head.packetId)
  if (version < 5) return
  writer.uvarint(form.properties.length + propertiesBytes(head.own))
  if (form.properties.length > 0) writer.bytes(form.properties)
  writeOwn(writer, head.own)
}

function writeOwn(writer: Writer, own: Properties): void {
  const bytes = propertiesBytes(own)
  if (bytes === 0) return
  propertyWriter.reset()
  writeProperties(propertyWriter, own, bytes)
  writer.bytes(propertyWriter.view().subarray(variableIntBytes(bytes)))
}
