import assert from 'node:assert/strict'
import type { AdminOptions } from '../../src/admin/types.ts'
import { StoreRefused } from '../../src/log/index.ts'
import { openBroker, openMemoryStore, type Broker } from '../../src/core/index.ts'
import { knownSettings, protocols } from '../../src/protocols.ts'
import { readSettings, Server, type Logger } from '../../src/server/index.ts'
import { SimNet, type SimSocket } from '../../src/world/sim/net.ts'
import { SimRandom } from '../../src/world/sim/random.ts'
import { SimTime } from '../../src/world/sim/time.ts'
import { fixtures } from '../contract/fixtures.ts'

const ports = { kafka: 9092, amqp: 5672, mqtt: 1883 }
export type Speaking = keyof typeof ports

const listen = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, `127.0.0.1:${port}`]))
const read = readSettings({ data: 'memory', listen: { ...listen, 'mqtt-ws': 'off', http: 'off' } }, knownSettings())
assert.ok('ok' in read)
const settings = read.ok

/** Rejections that nobody waits for, of all worlds: there is one at a time. */
const unhandled: unknown[] = []
process.on('unhandledRejection', (error) => unhandled.push(error))

export interface Client {
  socket: SimSocket
  heard: Buffer[]
}

/** The server and the core in memory, in simulated time; connections come by a simulated net. All from the input. */
export class SessionWorld {
  readonly time = new SimTime()
  readonly net: SimNet
  private readonly server: Server
  private readonly broker: Broker
  private readonly log: Logger
  /** What was logged as an error: a session that threw is. */
  private readonly errors: unknown[]

  private constructor(time: SimTime, net: SimNet, server: Server, broker: Broker, errors: unknown[], log: Logger) {
    this.time = time
    this.net = net
    this.server = server
    this.broker = broker
    this.errors = errors
    this.log = log
  }

  static async open(random: SimRandom): Promise<SessionWorld> {
    unhandled.length = 0
    const time = new SimTime()
    const net = new SimNet(time, random)
    const chunkBytesMax = random.once(2) ? 4096 : 1 + random.below(100)
    net.terms = () => ({ delayMsMax: 1, windowBytes: 65_536, chunkBytesMax })
    const errors: unknown[] = []
    const silent = (): void => undefined
    const error: Logger['error'] = (message, fields) =>
      void errors.push((fields as { error?: unknown } | undefined)?.error ?? message)
    const log: Logger = { debug: silent, info: silent, warn: silent, error, with: () => log }
    const world = { clock: time, timers: time, random: new SimRandom(1) }
    const openStore: Parameters<typeof openBroker>[0]['openStore'] = (machine) =>
      openMemoryStore(machine, { ...world, commitMs: 1, journal: { commits: [] } })
    const broker = await time.until(openBroker({ ...world, openStore }))
    const server = new Server({ broker, protocols, settings, log, net, ...world })
    const started = await time.until(server.start())
    assert.ok('ok' in started)
    return new SessionWorld(time, net, server, broker, errors, log)
  }

  connect(to: Speaking): Client {
    const heard: Buffer[] = []
    const socket = this.net.connect(ports[to], { received: (chunk) => heard.push(chunk), closed: () => undefined })
    assert.ok(socket !== null)
    return { socket, heard }
  }

  /** What the HTTP API is given; there is no storage under it to be copied or measured. */
  adminOptions(): AdminOptions {
    const { broker, server, time, log } = this
    const none = (): never => {
      throw new StoreRefused({ error: 'unsupported', detail: 'all is in memory' })
    }
    const store = { health: { state: 'ok' } as const, metrics: none }
    return { broker, store: () => store, snapshot: none, server, clock: time, log, version: '1', ready: () => true }
  }

  /** Nothing threw, nothing is kept for clients that are gone, and the next one is served. */
  async assertWell(to: Speaking): Promise<void> {
    // Rejections are told of after the turn.
    await new Promise((resolve) => setImmediate(resolve))
    for (const error of [...this.errors, ...unhandled]) throw error
    assert.equal(this.net.connections.size, 0, 'the connection is gone')
    const { arriving, unanswered, unsent } = this.server.metrics().memory
    assert.deepEqual({ arriving, unanswered, unsent }, { arriving: 0, unanswered: 0, unsent: 0 })
    const fixture = fixtures.find(({ name }) => name === to)!
    const next = this.connect(to)
    next.socket.send(Buffer.concat([fixture.hello(1), fixture.request]))
    for (let ms = 0; ms < 5000 && !fixture.answered(Buffer.concat(next.heard)); ms += 50) await this.time.advance(50)
    assert.ok(fixture.answered(Buffer.concat(next.heard)), 'the next client is answered')
    next.socket.kill()
  }

  async close(): Promise<void> {
    await this.time.until(this.server.stop(0))
    this.time.crash()
  }
}
