import type { AckType, Qos, Version } from './constants.ts'
import type { Properties } from './properties/table.ts'
import type { ReasonCode } from './reason.ts'
import type { Violation } from './violation.ts'

/** What the parser hands on, in the order it came. The handler may stop the parser at any time. */
export interface PacketHandler {
  /** `frame` is reused: valid until this call returns. Its payload shares the chunk's memory. */
  publish(frame: PublishFrame): void
  /** PUBACK, PUBREC, PUBREL or PUBCOMP. */
  acknowledged(type: AckType, packetId: number, reason: ReasonCode): void
  packet(packet: ControlPacket): void
  /** The stream is broken; nothing follows. */
  violation(violation: Violation): void
}

export interface PublishFrame {
  /** Empty when a topic alias stands for it (MQTT 5). */
  topic: string
  payload: Buffer
  qos: Qos
  dup: boolean
  retain: boolean
  /** 0 with QoS 0. */
  packetId: number
  properties: Properties
}

export type ControlPacket =
  ConnectPacket | SubscribePacket | UnsubscribePacket | PingPacket | DisconnectPacket | AuthPacket

export interface ConnectPacket {
  type: 'connect'
  version: Version
  clientId: string
  /** Clean Session in 3.1.1, Clean Start in 5. */
  clean: boolean
  keepAliveSeconds: number
  user?: string
  password?: Buffer
  will?: Will
  properties: Properties
}

export interface Will {
  topic: string
  payload: Buffer
  qos: Qos
  retain: boolean
  properties: Properties
}

export interface SubscribeOptions {
  qos: Qos
  noLocal: boolean
  retainAsPublished: boolean
  /** 0: send retained messages; 1: only if the subscription is new; 2: none. */
  retainHandling: 0 | 1 | 2
}

export interface SubscribeEntry extends SubscribeOptions {
  filter: string
}

export interface SubscribePacket {
  type: 'subscribe'
  packetId: number
  entries: SubscribeEntry[]
  properties: Properties
}

export interface UnsubscribePacket {
  type: 'unsubscribe'
  packetId: number
  filters: string[]
  properties: Properties
}

export interface PingPacket {
  type: 'pingreq'
}

export interface DisconnectPacket {
  type: 'disconnect'
  reason: ReasonCode
  properties: Properties
}

export interface AuthPacket {
  type: 'auth'
  reason: ReasonCode
  properties: Properties
}
