/** A Kafka client without a socket: it writes requests to a session over the real core, in simulated time. */
import { openBroker, openMemoryStore, type Broker, type MemoryJournal, type MemoryStore } from '../../../core/index.ts'
import { BatchBuilder, type BatchProducer, type Machine } from '../../../log/index.ts'
import { validate } from '../../../server/index.ts'
import type { CloseReason, Logger, Peer, ProtocolContext, Session } from '../../../server/index.ts'
import { SimRandom } from '../../../world/sim/random.ts'
import { SimTime } from '../../../world/sim/time.ts'
import { Reader } from '../../../base/index.ts'
import { kafka } from '../index.ts'
import { settings } from '../settings.ts'
import { APIS, isFlexible, requestCodec, responseCodec } from '../wire/apis.ts'
import { Frames } from '../wire/frames.ts'
import type { Api, ReadOf, Table, WriteOf } from '../wire/schema.ts'
import { SlicingWriter } from '../wire/writer.ts'

const silent = (): void => undefined
const log: Logger = { debug: silent, info: silent, warn: silent, error: silent, with: () => log }

export interface World {
  time: SimTime
  broker: Broker
  context: ProtocolContext
  connect(): Promise<Client>
  /** The storage fails; a second later it is opened again, unless `openable` says no. */
  fail(): void
  openable: boolean
  readonly store: MemoryStore
}

export async function startWorld(given: Record<string, unknown> = {}, commitMs = 0): Promise<World> {
  const time = new SimTime()
  const random = new SimRandom(7)
  const world = { clock: time, timers: time, random }
  const journal: MemoryJournal = { commits: [] }
  let store: MemoryStore | undefined
  const openStore = async (machine: Machine): Promise<MemoryStore> => {
    if (!made.openable) throw new Error('not now')
    return (store = await openMemoryStore(machine, { ...world, commitMs, journal }))
  }
  const made = {
    openable: true,
    get store(): MemoryStore {
      return store!
    },
  }
  const broker = await time.until(openBroker({ ...world, openStore }))
  const config = validate(settings, given)
  if ('error' in config) throw new Error(config.detail)
  const advertised = { host: 'broker.test', port: 9092 }
  const metrics = { messagesIn: 0, messagesOut: 0 }
  const context: ProtocolContext = { broker, ...world, log, config: config.ok, advertised, metrics }
  const failure = { error: 'unavailable', detail: 'as the test wants it' } as const
  const fail = (): void => store!.become({ state: 'failed', failure })
  return Object.assign(made, { time, broker, context, fail, connect: () => Client.open(time, context) })
}

export class Client implements Peer {
  readonly address = '127.0.0.1:50000'
  readonly local = true
  readonly buffered = 0
  readonly frames = new Frames()
  closedFor: CloseReason | null = null
  paused = false
  /** What `write` answers: false as a socket whose reader is slow. */
  takes = true
  room = Infinity
  /** As the session said last. */
  underWayBytes = 0
  private session!: Session
  private correlation = 0
  private readonly time: SimTime

  private constructor(time: SimTime) {
    this.time = time
  }

  static async open(time: SimTime, context: ProtocolContext): Promise<Client> {
    const client = new Client(time)
    client.session = kafka.open(client, context)
    await time.advance(10)
    return client
  }

  write(bytes: Uint8Array): boolean {
    this.frames.push(Buffer.from(bytes))
    return this.takes
  }

  /** At once, since `write` copies. */
  whenTaken(run: () => void): void {
    run()
  }

  close(reason: CloseReason): void {
    if (this.closedFor !== null) return
    this.closedFor = reason
    this.session.closed(reason)
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  mayBeSilent(): boolean {
    return this.paused
  }

  underWay(bytes: number): void {
    this.underWayBytes = bytes
  }

  arriving(): void {
    // Memory is not short here.
  }

  keeps(): void {
    // Memory is not short here.
  }

  drained(): void {
    this.takes = true
    this.session.drained()
  }

  stop(): void {
    this.session.stop()
  }

  receive(bytes: Buffer): void {
    // As from a socket: the memory is the session's.
    this.session.receive(Buffer.from(bytes))
  }

  /** The frame of a request, ready to be sent. */
  encode<Q extends Table>(api: Api<Q>, version: number, request: WriteOf<Q>): Buffer {
    const writer = new SlicingWriter()
    writer.i32(0)
    writer.i16(api.key)
    writer.i16(version)
    writer.i32(++this.correlation)
    writer.i16(4)
    writer.utf8('unit')
    if (isFlexible(api, version)) writer.uvarint(0)
    requestCodec(api, version).write(writer, request)
    writer.buffer.writeInt32BE(writer.total - 4, 0)
    return Buffer.concat(writer.chunks())
  }

  send<Q extends Table>(api: Api<Q>, version: number, request: WriteOf<Q>): void {
    this.receive(this.encode(api, version, request))
  }

  /** The next response that has come, or null. */
  answer<R extends Table>(api: Api<Table, R>, version: number): ({ correlationId: number } & ReadOf<R>) | null {
    const frame = this.frames.next()
    if (frame === null) return null
    const reader = new Reader(frame)
    const correlationId = reader.i32()
    if (isFlexible(api, version) && api.key !== APIS.apiVersions.key) reader.uvarint()
    const values = responseCodec(api, version).read(reader) as ReadOf<R>
    if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes too many in the response`)
    return { correlationId, ...values }
  }

  /** Sends, lets `waitMs` pass, and takes the answer. */
  async ask<Q extends Table, R extends Table>(api: Api<Q, R>, version: number, request: WriteOf<Q>, waitMs = 50) {
    this.send(api, version, request)
    await this.time.advance(waitMs)
    const answer = this.answer(api, version)
    if (answer === null) throw new Error(`no answer to ${api.name} after ${waitMs} ms`)
    return answer
  }

  /** Produces one batch to partition 0 and gives its partition's answer. */
  async produce(topic: string, batch: Buffer, version = 9) {
    const answer = await this.ask(APIS.produce, version, produceRequest(topic, batch))
    return answer.responses[0]!.partitionResponses[0]!
  }

  /** Fetches from partition 0 and gives its partition's answer. */
  async fetch(topic: string, fetchOffset: number, more: { partitionMaxBytes?: number; maxBytes?: number } = {}) {
    const answer = await this.ask(APIS.fetch, 11, fetchRequest(topic, fetchOffset, more))
    return answer.responses[0]!.partitions[0]!
  }
}

export function produceRequest(topic: string, records: Buffer, acks = -1): WriteOf<typeof APIS.produce.request> {
  return { acks, timeoutMs: 1000, topicData: [{ name: topic, partitionData: [{ index: 0, records }] }] }
}

export function fetchRequest(
  topic: string,
  fetchOffset: number,
  { partitionMaxBytes = 1 << 20, maxBytes = 1 << 20, maxWaitMs = 0 } = {},
): WriteOf<typeof APIS.fetch.request> {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes }]
  return { maxWaitMs, minBytes: 1, maxBytes, isolationLevel: 0, topics: [{ topic, partitions }] }
}

/** A batch as a producer sends it. */
export function batchOf(values: readonly string[], producer: BatchProducer | null = null): Buffer {
  const builder = new BatchBuilder()
  values.forEach((value, i) => builder.add(1000 + i, null, Buffer.from(value)))
  return builder.finish(producer)
}
