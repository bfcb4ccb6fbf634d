import assert from 'node:assert/strict'
import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import mqtt from 'mqtt'
import type { IClientOptions, IPublishPacket, MqttClient } from 'mqtt'
import mqttPacket from 'mqtt-packet'
import type { Packet } from 'mqtt-packet'
import type { Broker } from '../../../src/index.ts'

export interface Received {
  topic: string
  text: string
  packet: IPublishPacket
}

/** MQTT.js with an inbox. */
export interface Client {
  mqtt: MqttClient
  received: Received[]
  /** Waits for `count` messages in all. */
  take(count: number): Promise<Received[]>
  /** Topics of what came so far. */
  topics(): string[]
  end(): Promise<void>
}

export const versions = [4, 5] as const

export async function connect(
  t: TestContext,
  broker: Broker,
  options: IClientOptions = {},
  way = 'mqtt',
): Promise<Client> {
  const url = way === 'mqtt' ? `mqtt://${broker.address('mqtt')}` : `ws://${broker.address('mqtt-ws')}/mqtt`
  const client = mqtt.connect(url, { reconnectPeriod: 0, connectTimeout: 5000, protocolVersion: 5, ...options })
  // listening before CONNACK: a resumed session's messages may come with it
  const received: Received[] = []
  client.on('message', (topic, payload, packet) => received.push({ topic, text: payload.toString(), packet }))
  client.on('error', () => undefined)
  t.after(() => client.end(true))
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => {
      resolve()
    })
    client.once('error', reject)
    client.once('close', () => {
      reject(new Error('closed before CONNACK'))
    })
  })
  return {
    mqtt: client,
    received,
    take: async (count) => {
      await until(
        () => received.length >= count,
        `${count} messages`,
        () => JSON.stringify(received.map((r) => [r.topic, r.text])),
      )
      return received
    },
    topics: () => received.map(({ topic }) => topic),
    end: () => client.endAsync(),
  }
}

/** Session Expiry or Clean Session, as the version has it. */
export function persistent(version: 4 | 5, clientId: string): IClientOptions {
  const common = { protocolVersion: version, clientId, clean: false }
  return version === 5 ? { ...common, properties: { sessionExpiryInterval: 3600 } } : common
}

export async function until(
  probe: () => boolean,
  what: string,
  seen: () => string = () => '',
  timeoutMs = 5000,
): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!probe()) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what} ${seen().slice(0, 1000)}`)
    await sleep(5)
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Nothing more may come: waits as long as a message would take, many times over. */
export async function quiet(client: Client, count: number): Promise<void> {
  await sleep(150)
  assert.equal(client.received.length, count, JSON.stringify(client.received.map((r) => [r.topic, r.text])))
}

/** A client that says exactly what a test wants, with the packets of `mqtt-packet`. */
export class RawClient {
  /** What came and was not taken by `next`. */
  readonly packets: Record<string, unknown>[] = []
  /** All that came. */
  readonly seen: Record<string, unknown>[] = []
  closed = false
  private readonly socket: Socket
  private readonly version: number

  constructor(socket: Socket, version: number) {
    this.socket = socket
    this.version = version
    const parser = mqttPacket.parser({ protocolVersion: version })
    parser.on('packet', (packet) => {
      this.packets.push(packet as unknown as Record<string, unknown>)
      this.seen.push(packet as unknown as Record<string, unknown>)
    })
    socket.on('data', (chunk: Buffer) => parser.parse(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => (this.closed = true))
  }

  send(...packets: object[]): void {
    this.write(bytesOf(this.version, packets))
  }

  /** With the last packet the client's side of the connection ends. */
  sendLast(...packets: object[]): void {
    this.socket.end(bytesOf(this.version, packets))
  }

  write(bytes: Buffer | string): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes.replaceAll(' ', ''), 'hex') : bytes)
  }

  connect(clientId: string, fields: object = {}): Promise<Record<string, unknown>> {
    const protocolId = this.version === 3 ? 'MQIsdp' : 'MQTT'
    this.send({
      cmd: 'connect',
      protocolId,
      protocolVersion: this.version,
      clientId,
      clean: true,
      keepalive: 0,
      ...fields,
    })
    return this.next('connack')
  }

  /** The first packet of this kind that was not taken yet. */
  async next(cmd: string): Promise<Record<string, unknown>> {
    const find = (): number => this.packets.findIndex((packet) => packet.cmd === cmd)
    await until(
      () => find() >= 0,
      cmd,
      () => JSON.stringify(this.packets),
    )
    return this.packets.splice(find(), 1)[0]!
  }

  async end(): Promise<void> {
    await until(
      () => this.closed,
      'the server closes the connection',
      () => JSON.stringify(this.packets),
    )
  }

  /** Stops or goes on reading from the socket. */
  listen(on: boolean): void {
    if (on) this.socket.resume()
    else this.socket.pause()
  }

  /** Gone without a word. */
  drop(): void {
    this.socket.destroy()
  }
}

export function bytesOf(version: number, packets: readonly object[]): Buffer {
  const options = { protocolVersion: version }
  return Buffer.concat(packets.map((packet) => mqttPacket.generate(packet as Packet, options)))
}

export function raw(t: TestContext, broker: Broker, version = 5): Promise<RawClient> {
  return rawAt(t, broker.port('mqtt'), version)
}

/** `staying`: it does not end its side when the broker has ended the other one. */
export async function rawAt(t: TestContext, port: number, version: number, staying = false): Promise<RawClient> {
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: staying })
  t.after(() => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return new RawClient(socket, version)
}
