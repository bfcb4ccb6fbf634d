import { MalformedError, Reader } from '../../../base/index.ts'
import { PacketType } from './constants.ts'
import type { AckType, Version } from './constants.ts'
import { CutPacket } from './cut-packet.ts'
import type { CutBudget } from './cut-packet.ts'
import { readConnect, readProtocol } from './decode/connect.ts'
import { PublishDecoder, readPacketId } from './decode/publish.ts'
import { readAckReason, readAuth, readDisconnect } from './decode/reasoned.ts'
import { readSubscribe, readUnsubscribe } from './decode/subscribe.ts'
import type { ControlPacket, PacketHandler } from './packets.ts'
import { Reason } from './reason.ts'
import { Violation } from './violation.ts'

/**
 * Bytes of one client in, packets out. Packets are read in place where the chunk holds them whole; only the end of a
 * chunk that cuts a packet is copied, and never before the packet's announced length passed the limit.
 * Everything the specification forbids ends the stream with one `violation`.
 */
export class Parser {
  /** Known from the moment CONNECT named it. */
  version: Version | undefined
  /** The largest packet taken, fixed header included. */
  packetBytesMax: number
  private readonly handler: PacketHandler
  private publishes: PublishDecoder | undefined
  private cut: CutPacket | undefined
  private stopped = false
  private suspended = false
  private waiting: Buffer[] = []
  private cuts = 0

  private readonly budget: CutBudget

  constructor(handler: PacketHandler, packetBytesMax: number, budget: CutBudget) {
    this.handler = handler
    this.budget = budget
    this.packetBytesMax = packetBytesMax
  }

  /** Nothing more is parsed, not even the rest of the chunk at hand. */
  stop(): void {
    this.stopped = true
    this.cut?.release()
    this.cut = undefined
    this.waiting = []
  }

  /** Nothing is handed on until `resume`, not even the rest of the chunk at hand. The peer should be paused. */
  suspend(): void {
    this.suspended = true
  }

  resume(): void {
    this.suspended = false
    // a packet in the middle may suspend again: the rest of its chunk is then the first that waits
    while (this.waiting.length > 0 && this.running) this.receive(this.waiting.shift()!)
  }

  /** Number of the packet that has come in part, among all that did; 0: none has. */
  get unfinished(): number {
    return this.cut === undefined ? 0 : this.cuts
  }

  /** Bytes of the packet that has come in part; 0: none has, or its length is not known yet. */
  get arriving(): number {
    return this.cut?.needed ?? 0
  }

  private get running(): boolean {
    return !this.suspended && !this.stopped
  }

  receive(chunk: Buffer): void {
    if (this.stopped) return
    if (this.suspended) {
      this.waiting.push(chunk)
      return
    }
    try {
      this.parse(chunk)
    } catch (error) {
      const violation = error instanceof MalformedError ? new Violation(Reason.malformedPacket, error.message) : error
      if (!(violation instanceof Violation)) throw error
      this.stop()
      this.handler.violation(violation)
    }
  }

  private parse(chunk: Buffer): void {
    let position = 0
    const cut = this.cut
    if (cut !== undefined) {
      position = this.complete(cut, chunk)
      if (cut.needed === 0 || cut.length < cut.needed) return
    }
    const reader = new Reader(chunk)
    while (position < chunk.length && this.running) {
      const bytes = this.packetBytes(chunk, position, chunk.length)
      if (bytes === 0 || position + bytes > chunk.length) {
        this.cuts++
        this.cut = new CutPacket(chunk, position, bytes, this.budget)
        return
      }
      this.decode(reader, position, position + bytes)
      position += bytes
    }
    if (position < chunk.length && !this.stopped) this.waiting.unshift(chunk.subarray(position))
  }

  /** Feeds a cut packet; returns how much of `chunk` it took. */
  private complete(cut: CutPacket, chunk: Buffer): number {
    let taken = 0
    while (cut.needed === 0 && taken < chunk.length) {
      taken += cut.append(chunk, taken, 1)
      cut.needed = this.packetBytes(cut.bytes, 0, cut.length)
    }
    if (cut.needed === 0) return taken
    taken += cut.append(chunk, taken, cut.needed - cut.length)
    if (cut.length < cut.needed) return taken
    const whole = cut.bytes
    this.cut = undefined
    cut.release()
    this.decode(new Reader(whole), 0, cut.needed)
    return taken
  }

  /** Length of the packet at `position` with its fixed header; 0 while the header is cut. */
  private packetBytes(buffer: Buffer, position: number, end: number): number {
    let remaining = 0
    for (let i = 1; i <= 4; i++) {
      if (position + i >= end) return 0
      const byte = buffer[position + i]!
      remaining += (byte & 0x7f) << (7 * (i - 1))
      if (byte >= 0x80) continue
      // MQTT-1.5.5-1, which 3.1.1 does not have: some small devices pad the length there
      if (byte === 0 && i > 1 && this.version === 5)
        throw new Violation(Reason.malformedPacket, 'length is not minimal')
      const bytes = 1 + i + remaining
      if (bytes > this.packetBytesMax) throw new Violation(Reason.packetTooLarge, `packet of ${bytes} bytes`)
      return bytes
    }
    throw new Violation(Reason.malformedPacket, 'remaining length is longer than 4 bytes')
  }

  private decode(reader: Reader, start: number, end: number): void {
    const first = reader.buffer[start]!
    let position = start + 1
    while (reader.buffer[position]! >= 0x80) position++
    reader.position = position + 1
    reader.end = end
    const type = first >> 4
    if (this.version === undefined) return this.connect(reader, first)
    if (type === PacketType.publish) {
      this.publishes ??= new PublishDecoder()
      this.handler.publish(this.publishes.read(reader, first & 15, this.version))
      this.publishes.release()
      return
    }
    checkFlags(first, this.version)
    if (type >= PacketType.puback && type <= PacketType.pubcomp) {
      const packetId = readPacketId(reader)
      const reason = readAckReason(reader, type as AckType, this.version)
      checkEnd(reader)
      this.handler.acknowledged(type as AckType, packetId, reason)
      return
    }
    this.control(reader, type, this.version)
  }

  private connect(reader: Reader, first: number): void {
    // MQTT-3.1.0-1
    if (first !== PacketType.connect << 4) throw new Violation(Reason.protocolError, 'the first packet is not CONNECT')
    this.version = readProtocol(reader)
    const packet = readConnect(reader, this.version)
    checkEnd(reader)
    this.handler.packet(packet)
  }

  private control(reader: Reader, type: number, version: Version): void {
    const packet = readControl(reader, type, version)
    if (packet === undefined) {
      throw new Violation(Reason.protocolError, `packet type ${type} is not for a client to send now`)
    }
    checkEnd(reader)
    this.handler.packet(packet)
  }
}

function readControl(reader: Reader, type: number, version: Version): ControlPacket | undefined {
  switch (type) {
    case PacketType.subscribe:
      return readSubscribe(reader, version)
    case PacketType.unsubscribe:
      return readUnsubscribe(reader, version)
    case PacketType.pingreq:
      return { type: 'pingreq' }
    case PacketType.disconnect:
      return readDisconnect(reader, version)
    case PacketType.auth:
      return version === 5 ? readAuth(reader) : undefined
    default:
      // a second CONNECT (MQTT-3.1.0-2), or what only a server sends
      return undefined
  }
}

/**
 * MQTT-2.1.3-1: the low bits of the first byte are fixed: 0010 for PUBREL, SUBSCRIBE, UNSUBSCRIBE, else 0. In MQTT 3.1
 * those three carry DUP when they come again (section 2.1).
 */
function checkFlags(first: number, version: Version): void {
  const type = first >> 4
  const two = type === PacketType.pubrel || type === PacketType.subscribe || type === PacketType.unsubscribe
  const flags = first & (two && version === 3 ? 7 : 15)
  if (flags !== (two ? 2 : 0)) throw new Violation(Reason.malformedPacket, 'reserved flags of the fixed header')
}

function checkEnd(reader: Reader): void {
  if (reader.remaining > 0)
    throw new Violation(Reason.malformedPacket, `${reader.remaining} bytes too many in the packet`)
}
