import type { Reader } from '../../../../base/index.ts'
import type { Qos, Version } from '../constants.ts'
import type { ConnectPacket, Will } from '../packets.ts'
import { readBinary, readText } from '../primitives.ts'
import { noProperties, readProperties } from '../properties/read.ts'
import { In } from '../properties/table.ts'
import { Reason } from '../reason.ts'
import { isTopicName } from '../topic.ts'
import { Violation } from '../violation.ts'

const flag = { reserved: 0x01, clean: 0x02, will: 0x04, willRetain: 0x20, password: 0x40, user: 0x80 }

/** Protocol name and level, the start of every CONNECT: `MQIsdp` 3 (3.1), `MQTT` 4 (3.1.1), `MQTT` 5. */
export function readProtocol(reader: Reader): Version {
  const name = readText(reader)
  if (name !== 'MQTT' && name !== 'MQIsdp') throw new Violation(Reason.protocolError, 'unknown protocol name')
  const level = reader.u8()
  if (name === 'MQIsdp' ? level === 3 : level === 4 || level === 5) return level as Version
  throw new Violation(Reason.unsupportedProtocolVersion, `protocol level ${level} of ${name}`)
}

/**
 * The rest of CONNECT (MQTT 5 section 3.1): flags, keep alive, properties, then client identifier, will, user name
 * and password as the flags say.
 */
export function readConnect(reader: Reader, version: Version): ConnectPacket {
  const flags = reader.u8()
  checkFlags(flags, version)
  const keepAliveSeconds = reader.u16()
  const properties = version === 5 ? readProperties(reader, In.connect) : noProperties
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw new Violation(Reason.protocolError, 'authentication data without a method')
  }
  const packet: ConnectPacket = {
    type: 'connect',
    version,
    clean: (flags & flag.clean) !== 0,
    keepAliveSeconds,
    properties,
    clientId: readText(reader),
  }
  if (flags & flag.will) packet.will = readWill(reader, flags, version)
  // In MQTT 3.1 (section 3.1) the length of the packet takes precedence over these two flags.
  const isThere = (it: number): boolean => (flags & it) !== 0 && (version !== 3 || reader.remaining > 0)
  if (isThere(flag.user)) packet.user = readText(reader)
  if (isThere(flag.password)) packet.password = Buffer.from(readBinary(reader))
  return packet
}

function checkFlags(flags: number, version: Version): void {
  // MQTT-3.1.2-3, MQTT-3.1.2-11 to -13; in 3.1.1 also MQTT-3.1.2-22: no password without a user name
  const willQos = (flags >> 3) & 3
  const wrong =
    flags & flag.reserved ||
    willQos === 3 ||
    (!(flags & flag.will) && (willQos !== 0 || flags & flag.willRetain)) ||
    (version < 5 && flags & flag.password && !(flags & flag.user))
  if (wrong) throw new Violation(Reason.malformedPacket, 'connect flags contradict one another')
}

/** A will outlives its packet, so its bytes are copied out of the chunk. */
function readWill(reader: Reader, flags: number, version: Version): Will {
  const properties = version === 5 ? readProperties(reader, In.will) : noProperties
  const topic = readText(reader)
  if (!isTopicName(topic)) throw new Violation(Reason.topicNameInvalid, 'will topic is not a topic name')
  const payload = Buffer.from(readBinary(reader))
  const correlationData = properties.correlationData
  return {
    topic,
    payload,
    qos: ((flags >> 3) & 3) as Qos,
    retain: (flags & flag.willRetain) !== 0,
    properties:
      correlationData === undefined ? properties : { ...properties, correlationData: Buffer.from(correlationData) },
  }
}
