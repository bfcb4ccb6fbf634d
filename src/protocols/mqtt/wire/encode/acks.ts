import type { Writer } from '../../../../base/index.ts'
import { PacketType } from '../constants.ts'
import type { AckType, Version } from '../constants.ts'
import { variableIntBytes, writeText } from '../primitives.ts'
import { Reason } from '../reason.ts'
import type { ReasonCode } from '../reason.ts'

/**
 * PUBACK, PUBREC, PUBREL, PUBCOMP (MQTT 5 section 3.4): packet id, and in MQTT 5 a reason unless it is "success".
 */
export function writeAck(writer: Writer, type: AckType, packetId: number, reason: ReasonCode, version: Version): void {
  const short = version < 5 || reason === Reason.success
  const at = writer.reserve(short ? 4 : 5)
  const buffer = writer.buffer
  buffer[at] = (type << 4) | (type === PacketType.pubrel ? 2 : 0)
  buffer[at + 1] = short ? 2 : 3
  buffer[at + 2] = packetId >> 8
  buffer[at + 3] = packetId & 0xff
  if (!short) buffer[at + 4] = reason
}

/**
 * SUBACK and UNSUBACK (sections 3.9, 3.11): one reason for each filter. Before MQTT 5 the only failure of a SUBACK
 * is 0x80, and an UNSUBACK carries no codes.
 */
export function writeSubscribeAck(
  writer: Writer,
  type: 9 | 11,
  packetId: number,
  reasons: ReasonCode[],
  version: Version,
): void {
  const codes = version === 5 || type === PacketType.suback ? reasons : []
  const bytes = 2 + (version === 5 ? 1 : 0) + codes.length
  writer.u8(type << 4)
  writer.uvarint(bytes)
  writer.u16(packetId)
  if (version === 5) writer.u8(0)
  for (const code of codes) writer.u8(version < 5 && code >= 0x80 ? 0x80 : code)
}

export function writePingResponse(writer: Writer): void {
  writer.u16(0xd000)
}

/** DISCONNECT from the server (section 3.14), MQTT 5 only: reason, and words for whoever debugs the client. */
export function writeDisconnect(writer: Writer, reason: ReasonCode, reasonString?: string): void {
  const textBytes = reasonString === undefined ? 0 : 3 + Buffer.byteLength(reasonString)
  const bytes = 1 + variableIntBytes(textBytes) + textBytes
  writer.u8(PacketType.disconnect << 4)
  writer.uvarint(bytes)
  writer.u8(reason)
  writer.uvarint(textBytes)
  if (reasonString === undefined) return
  writer.u8(0x1f)
  writeText(writer, reasonString)
}
