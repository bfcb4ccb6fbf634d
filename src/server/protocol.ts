import type { Broker } from '../core/index.ts'
import type { Clock, Random, Timers } from '../world/index.ts'
import type { Group } from './config/index.ts'
import type { Logger } from './logger.ts'

/**
 * The contract between the server and a protocol. It is free of sockets, so that a protocol runs unchanged over TCP,
 * WebSocket, an in-process pipe and the simulator.
 */
export interface Protocol {
  /** As in `--listen NAME=HOST:PORT` and in metrics: `kafka`, `amqp`, `mqtt`. */
  readonly name: string
  readonly listeners: readonly ListenerSpec[]
  /** The protocol's own section of the configuration, `protocols.NAME`; what is in it arrives as `context.config`. */
  readonly settings?: Group
  /** A client has connected. The session lives until `Session.closed`. */
  open(peer: Peer, context: ProtocolContext): Session
  /** The server has stopped and all sessions are closed: ends the timers of what they shared over this broker. */
  stopped?(broker: Broker): void
}

export interface ListenerSpec {
  /** `mqtt`, `mqtt-ws`. */
  name: string
  port: number
  transport: 'tcp' | 'websocket'
  /** Of a WebSocket: the subprotocols, of which it must ask for one, and the path. */
  subprotocols?: readonly string[]
  path?: string
}

export interface ProtocolContext {
  broker: Broker
  clock: Clock
  timers: Timers
  random: Random
  log: Logger
  /** The protocol's own section of the configuration, validated after `Protocol.settings`. */
  config: Readonly<Record<string, unknown>>
  /** What clients are told to connect to, where a protocol says so (Kafka's metadata): the listener's bound address. */
  advertised: { host: string; port: number }
  metrics: ProtocolMetrics
}

/** Counters of one protocol, added to by its sessions; bytes and connections are the server's business. */
export interface ProtocolMetrics {
  messagesIn: number
  messagesOut: number
}

/** One client's state machine. Its methods never throw for bad input: they answer in protocol, or close the peer. */
export interface Session {
  /** Bytes from the client. The chunk's memory is the session's: to keep slices of, or to give back. */
  receive(chunk: Buffer): void
  /** The peer's output buffer is empty again after `write` said false. */
  drained(): void
  /** The connection is gone, by whomever; nothing can be written any more. Called exactly once. */
  closed(reason: CloseReason): void
  /** The client has said who it is, where the protocol wants to know; until then `limits.loginMs` runs. */
  readonly known: boolean
  /**
   * A number of the message that has begun to come and is not whole, the same until it is; 0: none has. It must come to
   * its end within `limits.messageMs`, or somewhat later if it is long.
   */
  readonly unfinished: number
  /** The server is about to stop: say goodbye in protocol and close when what is under way is answered. */
  stop(): void
}

export type CloseReason = 'client' | 'server' | 'error' | 'timeout' | 'stopping'

/** The client's end of the connection, as a session sees it. */
export interface Peer {
  /** For logs and listings: `127.0.0.1:52100`. */
  readonly address: string
  readonly local: boolean
  /** Bytes written and not yet taken by the operating system. */
  readonly buffered: number
  /**
   * Sends `bytes`, which must not change afterwards. Everything written in one turn goes out in one system call.
   * False: more is buffered than is good, stop sending what can wait until `Session.drained`.
   */
  write(bytes: Uint8Array): boolean
  /** Calls `run` when the operating system has all that was written so far; never when the connection ends before. */
  whenTaken(run: () => void): void
  /** Sends what was written, then ends the connection. `closed` follows. Writes after this are ignored. */
  close(reason: CloseReason): void
  /** Stops and goes on reading from the client: back-pressure. Calls do not count; the last one holds. */
  pause(): void
  resume(): void
  /**
   * The client is not read from, so its silence says nothing. Where that is because it does not take what it is sent, it
   * must have taken some of it since this was last asked.
   */
  mayBeSilent(): boolean
  /** How many more bytes may be kept for this client as things stand, written or not; may be below 0. */
  readonly room: number
  /**
   * Of what the client published, so many bytes are not answered yet. More is read from it only as the memory that all
   * share allows; nothing has to be done about it.
   */
  underWay(bytes: number): void
  /**
   * A message of so many bytes has come in part; 0: it is whole, or given up. A large one is read on only when there is
   * memory for all of it. To be called after `underWay`, which counts it when it is whole.
   */
  arriving(bytes: number): void
  /** The session itself keeps so many bytes for this client, to be written later. */
  keeps(bytes: number): void
}
