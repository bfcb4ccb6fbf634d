import fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import type { Packet } from 'mqtt-packet'
import { Parser } from '../parser.ts'
import type { Violation } from '../violation.ts'

/* Helpers of this folder's tests. */

export const topicArbitrary = fc.string({
  unit: fc.constantFrom('a', 'b', '/', '$', 'é', '漢', '😀', ' '),
  minLength: 1,
  maxLength: 12,
})

/** A CONNECT of the given version, made by the oracle. */
export function connectBytes(version: number, fields: object = {}): Buffer {
  const packet = {
    cmd: 'connect',
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: version,
    clientId: 'c',
    clean: true,
    keepalive: 0,
    ...fields,
  }
  return mqttPacket.generate(packet as Packet)
}

export function byteOf(bytes: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[at] = value
  return changed
}

const ackNames = { 4: 'puback', 5: 'pubrec', 6: 'pubrel', 7: 'pubcomp' }

/** Parses `bytes`, cut into chunks of the given lengths and a rest; copies what the parser lends. */
export function collect(
  bytes: Buffer,
  cuts: number[],
): { packets: Record<string, unknown>[]; violation: Violation | undefined } {
  const packets: Record<string, unknown>[] = []
  let violation: Violation | undefined
  const parser = new Parser(
    {
      publish: (frame) => packets.push({ type: 'publish', ...frame, payload: Buffer.from(frame.payload) }),
      acknowledged: (type, packetId, reason) => packets.push({ type: ackNames[type], packetId, reason }),
      packet: (packet) => packets.push({ ...packet }),
      violation: (found) => (violation = found),
    },
    1_000_000,
    { bytes: 0, bytesMax: 10_000_000 },
  )
  let position = 0
  for (const cut of [...cuts, bytes.length]) {
    parser.receive(bytes.subarray(position, position + cut))
    position += cut
  }
  return { packets, violation }
}
