import type { Reader } from '../../../../base/index.ts'
import { itemsMax } from '../constants.ts'
import type { Qos, Version } from '../constants.ts'
import type { SubscribeEntry, SubscribePacket, UnsubscribePacket } from '../packets.ts'
import { readText } from '../primitives.ts'
import { noProperties, readProperties } from '../properties/read.ts'
import { In } from '../properties/table.ts'
import { Reason } from '../reason.ts'
import { Violation } from '../violation.ts'
import { readPacketId } from './publish.ts'

/** SUBSCRIBE (MQTT 5 section 3.8): packet id, properties, then one or more of filter and options byte. */
export function readSubscribe(reader: Reader, version: Version): SubscribePacket {
  const packetId = readPacketId(reader)
  const properties = version === 5 ? readProperties(reader, In.subscribe) : noProperties
  if ((properties.subscriptionIdentifiers?.length ?? 0) > 1) {
    throw new Violation(Reason.protocolError, 'more than one subscription identifier')
  }
  const entries: SubscribeEntry[] = []
  while (reader.remaining > 0) {
    entries.push(readEntry(reader, version))
    checkCount(entries.length)
  }
  // MQTT-3.8.3-2
  if (entries.length === 0) throw new Violation(Reason.protocolError, 'SUBSCRIBE without a filter')
  return { type: 'subscribe', packetId, entries, properties }
}

/** Options byte: `00 retainHandling(2) retainAsPublished noLocal qos(2)`; before MQTT 5 only the QoS. */
function readEntry(reader: Reader, version: Version): SubscribeEntry {
  const filter = readText(reader)
  const options = reader.u8()
  // MQTT-3.8.3-5 (and MQTT-3-8.3-4 of 3.1.1): reserved bits
  if (options & (version === 5 ? 0xc0 : 0xfc))
    throw new Violation(Reason.malformedPacket, 'reserved option bits are set')
  const qos = options & 3
  const retainHandling = options >> 4
  if (qos === 3) throw new Violation(Reason.malformedPacket, 'QoS 3')
  if (retainHandling === 3) throw new Violation(Reason.protocolError, 'retain handling 3')
  const noLocal = (options & 4) !== 0
  // MQTT-3.8.3-4
  if (noLocal && filter.startsWith('$share/')) {
    throw new Violation(Reason.protocolError, 'no local on a shared subscription')
  }
  return {
    filter,
    qos: qos as Qos,
    noLocal,
    retainAsPublished: (options & 8) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  }
}

/** UNSUBSCRIBE (section 3.10): packet id, properties, one or more filters. */
export function readUnsubscribe(reader: Reader, version: Version): UnsubscribePacket {
  const packetId = readPacketId(reader)
  const properties = version === 5 ? readProperties(reader, In.unsubscribe) : noProperties
  const filters: string[] = []
  while (reader.remaining > 0) {
    filters.push(readText(reader))
    checkCount(filters.length)
  }
  // MQTT-3.10.3-2
  if (filters.length === 0) throw new Violation(Reason.protocolError, 'UNSUBSCRIBE without a filter')
  return { type: 'unsubscribe', packetId, filters, properties }
}

function checkCount(count: number): void {
  if (count > itemsMax) throw new Violation(Reason.quotaExceeded, `more than ${itemsMax} filters in a packet`)
}
