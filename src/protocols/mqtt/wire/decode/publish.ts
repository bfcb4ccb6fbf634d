import { sameBytes, type Reader } from '../../../../base/index.ts'
import type { Qos, Version } from '../constants.ts'
import type { PublishFrame } from '../packets.ts'
import { textOf } from '../primitives.ts'
import { noProperties, readProperties } from '../properties/read.ts'
import { In } from '../properties/table.ts'
import { Reason } from '../reason.ts'
import { isTopicName } from '../topic.ts'
import { Violation } from '../violation.ts'

const nothing = Buffer.alloc(0)

/**
 * PUBLISH (MQTT 5 section 3.3), into one frame that is used again and again:
 *
 *     first byte  0011 dup qos qos retain
 *     topic       u16 length, UTF-8
 *     packet id   u16, only with QoS 1 and 2
 *     properties  MQTT 5
 *     payload     the rest
 */
export class PublishDecoder {
  readonly frame: PublishFrame = {
    topic: '',
    payload: nothing,
    qos: 0,
    dup: false,
    retain: false,
    packetId: 0,
    properties: noProperties,
  }

  // a client mostly publishes to one topic: the same bytes give the same string without decoding them again
  private topicBytes = nothing

  read(reader: Reader, flags: number, version: Version): PublishFrame {
    const frame = this.frame
    const qos = (flags >> 1) & 3
    // MQTT-3.3.1-4 and MQTT-3.3.1-2
    if (qos === 3) throw new Violation(Reason.malformedPacket, 'QoS 3')
    if (qos === 0 && flags & 8) throw new Violation(Reason.malformedPacket, 'DUP with QoS 0')
    frame.qos = qos as Qos
    frame.dup = (flags & 8) !== 0
    frame.retain = (flags & 1) !== 0
    this.readTopic(reader)
    frame.packetId = qos === 0 ? 0 : readPacketId(reader)
    frame.properties = version === 5 ? this.readProperties(reader) : noProperties
    if (frame.topic === '' && frame.properties.topicAlias === undefined) {
      throw new Violation(Reason.protocolError, 'PUBLISH without a topic')
    }
    frame.payload = reader.buffer.subarray(reader.position, reader.end)
    return frame
  }

  /** The frame is done with. Who publishes once and stays would keep its message, or the whole chunk, in memory. */
  release(): void {
    this.frame.payload = nothing
    this.frame.properties = noProperties
  }

  private readTopic(reader: Reader): void {
    const length = reader.u16()
    const start = reader.take(length)
    const end = start + length
    if (sameBytes(reader.buffer, start, end, this.topicBytes)) return
    const topic = textOf(reader.buffer, start, end)
    if (topic !== '' && !isTopicName(topic)) {
      throw new Violation(Reason.topicNameInvalid, 'the topic holds a wildcard, or too many levels')
    }
    this.topicBytes = Buffer.from(reader.buffer.subarray(start, end))
    this.frame.topic = topic
  }

  private readProperties(reader: Reader): PublishFrame['properties'] {
    const properties = readProperties(reader, In.publish)
    if (properties.topicAlias === 0) throw new Violation(Reason.topicAliasInvalid, 'topic alias 0')
    // MQTT-3.3.4-6: only a server sends it
    if (properties.subscriptionIdentifiers !== undefined) {
      throw new Violation(Reason.protocolError, 'subscription identifier in a PUBLISH to the server')
    }
    // MQTT-3.3.2-14
    if (properties.responseTopic !== undefined && !isTopicName(properties.responseTopic)) {
      throw new Violation(Reason.protocolError, 'response topic is not a topic name')
    }
    return properties
  }
}

/** MQTT-2.2.1-3: a packet identifier is never 0. */
export function readPacketId(reader: Reader): number {
  const packetId = reader.u16()
  if (packetId === 0) throw new Violation(Reason.protocolError, 'packet identifier 0')
  return packetId
}
