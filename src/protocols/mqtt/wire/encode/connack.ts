import type { Writer } from '../../../../base/index.ts'
import { PacketType } from '../constants.ts'
import type { Version } from '../constants.ts'
import { variableIntBytes } from '../primitives.ts'
import type { Properties } from '../properties/table.ts'
import { propertiesBytes, writeProperties } from '../properties/write.ts'
import { returnCodeOf } from '../reason.ts'
import type { ReasonCode } from '../reason.ts'

/** CONNACK (MQTT 5 section 3.2): session present, reason, properties; in 3.1.1 the return code alone. */
export function writeConnack(
  writer: Writer,
  sessionPresent: boolean,
  reason: ReasonCode,
  properties: Properties,
  version: Version,
): void {
  writer.u8(PacketType.connack << 4)
  if (version < 5) {
    writer.u8(2)
    // MQTT 3.1 has no session present flag: the byte is reserved
    writer.u8(sessionPresent && version === 4 ? 1 : 0)
    writer.u8(returnCodeOf(reason))
    return
  }
  const bytes = propertiesBytes(properties)
  writer.uvarint(2 + variableIntBytes(bytes) + bytes)
  writer.u8(sessionPresent ? 1 : 0)
  writer.u8(reason)
  writeProperties(writer, properties, bytes)
}
