import type { Reader } from '../../../../base/index.ts'
import { PacketType } from '../constants.ts'
import type { AckType, Version } from '../constants.ts'
import type { AuthPacket, DisconnectPacket } from '../packets.ts'
import { noProperties, readProperties } from '../properties/read.ts'
import { In } from '../properties/table.ts'
import { clientDisconnectReasons, Reason } from '../reason.ts'
import type { ReasonCode } from '../reason.ts'
import { Violation } from '../violation.ts'

/*
 * The packets that end in `reason code, properties`, both of which MQTT 5 lets a sender leave out when they say
 * "success" and "none" (sections 3.4.2.1, 3.14.2.1, 3.15.2.1).
 */

const publishReasons: ReadonlySet<ReasonCode> = new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])
const releaseReasons: ReadonlySet<ReasonCode> = new Set([0x00, 0x92])

/** What follows the packet identifier of PUBACK, PUBREC, PUBREL, PUBCOMP. */
export function readAckReason(reader: Reader, type: AckType, version: Version): ReasonCode {
  if (version < 5 || reader.remaining === 0) return Reason.success
  const reason = reader.u8()
  const known = type === PacketType.puback || type === PacketType.pubrec ? publishReasons : releaseReasons
  if (!known.has(reason)) throw new Violation(Reason.malformedPacket, `reason ${reason} in an acknowledgement`)
  if (reader.remaining > 0) readProperties(reader, In.ack)
  return reason
}

export function readDisconnect(reader: Reader, version: Version): DisconnectPacket {
  if (version < 5 || reader.remaining === 0) {
    return { type: 'disconnect', reason: Reason.success, properties: noProperties }
  }
  const reason = reader.u8()
  if (!clientDisconnectReasons.has(reason))
    throw new Violation(Reason.malformedPacket, `DISCONNECT with reason ${reason}`)
  const properties = reader.remaining > 0 ? readProperties(reader, In.disconnect) : noProperties
  return { type: 'disconnect', reason, properties }
}

export function readAuth(reader: Reader): AuthPacket {
  if (reader.remaining === 0) return { type: 'auth', reason: Reason.success, properties: noProperties }
  const reason = reader.u8()
  if (reason !== 0x00 && reason !== 0x18 && reason !== 0x19) {
    throw new Violation(Reason.malformedPacket, `AUTH with reason ${reason}`)
  }
  return { type: 'auth', reason, properties: reader.remaining > 0 ? readProperties(reader, In.auth) : noProperties }
}
