/**
 * What MQTT costs without sockets and without a disk, when packets come one by one, as they do from many devices or from
 * a client that writes each alone. One process; read the ratios. `node bench/micro/mqtt.ts [part of a name]`
 */
import { openBroker } from '../../src/core/index.ts'
import { openStore } from '../../src/log/index.ts'
import { mqtt } from '../../src/protocols/mqtt/index.ts'
import type { ProtocolContext, Session } from '../../src/server/index.ts'
import { systemClock, systemRandom, systemTimers } from '../../src/world/node/index.ts'
import { StandIn } from './stand-in.ts'

const world = { clock: systemClock, timers: systemTimers, random: systemRandom }
const wanted = process.argv[2] ?? ''
const rounds = 3

/** CPU time, so that neighbours do not show; the best of some runs, after one that warms up. */
async function measure(what: string, count: number, run: () => Promise<void>): Promise<void> {
  if (!what.includes(wanted)) return
  await run()
  let best = Infinity
  for (let round = 0; round < rounds; round++) {
    const start = process.cpuUsage()
    await run()
    const { user, system } = process.cpuUsage(start)
    best = Math.min(best, ((user + system) * 1000) / count)
  }
  console.log(`${what.padEnd(62)} ${best.toFixed(0).padStart(8)} ns`)
}

const text = (value: string): Buffer => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)])
const packet = (first: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  const length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7]
  return Buffer.concat([Buffer.from([first, ...length]), body])
}

class Client extends StandIn {
  /** That came for it. */
  bytes = 0
  protected readonly session: Session
  private readonly acknowledges: boolean

  constructor(context: ProtocolContext, id: string, keeps: boolean, acknowledges = false) {
    super()
    this.acknowledges = acknowledges
    this.session = mqtt.open(this, context)
    this.send(packet(0x10, text('MQTT'), Buffer.from([4, keeps ? 0 : 2, 0, 0]), text(id)))
  }

  write(bytes: Uint8Array): boolean {
    this.bytes += bytes.length
    if (this.acknowledges) setImmediate(() => this.acknowledge(bytes))
    return true
  }

  /** One packet for each message, as many clients do. */
  private acknowledge(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const long = bytes[at + 1]! > 127
      const body = at + (long ? 3 : 2)
      const end = body + (long ? (bytes[at + 1]! & 127) + bytes[at + 2]! * 128 : bytes[at + 1]!)
      if (bytes[at]! >> 4 === 3) {
        const id = body + 2 + bytes[body]! * 256 + bytes[body + 1]!
        this.send(Buffer.from([0x40, 2, bytes[id]!, bytes[id + 1]!]))
      }
      at = end
    }
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function turns(done: () => boolean): Promise<void> {
  for (let count = 0; count < 100 && !done(); count++) await turn()
  if (!done()) throw new Error('messages are missing')
}

async function load(what: string, qos: 0 | 1, publishers: number, keeps: boolean): Promise<void> {
  if (!what.includes(wanted)) return
  const broker = await openBroker({ ...world, openStore: (machine) => openStore({ world, memory: true, machine }) })
  const context = {
    ...world,
    broker,
    config: {},
    log: { debug() {}, info() {}, warn() {}, error() {} },
    advertised: { host: '', port: 0 },
    metrics: { messagesIn: 0, messagesOut: 0 },
  } as unknown as ProtocolContext
  const subscriber = new Client(context, 'subscriber', keeps, qos === 1)
  for (let count = 0; count < 20; count++) await turn()
  subscriber.send(packet(0x82, Buffer.from([0, 1]), text('hello/+/world'), Buffer.from([qos])))
  const clients = Array.from({ length: publishers }, (_, i) => new Client(context, `p${i}`, false))
  for (let count = 0; count < 20; count++) await turn()
  const payload = Buffer.alloc(100, 'x')
  const head = (i: number): Buffer => text(`hello/${String(i).padStart(3, '0')}/world`)
  const id = qos === 0 ? Buffer.alloc(0) : Buffer.from([0, 1])
  const packets = clients.map((_, i) => packet(qos === 0 ? 0x30 : 0x32, head(i), id, payload))
  const count = 100_000
  await measure(what, count, async () => {
    for (let sent = 0; sent < count; sent += 100) {
      const wantedBytes = subscriber.bytes + 100 * packets[0]!.length
      for (let i = 0; i < 100; i++) clients[i % publishers]!.send(packets[i % publishers]!)
      await turns(() => subscriber.bytes === wantedBytes)
    }
  })
  await broker.shutdown()
}

await load('mqtt: QoS 0, 1 to 1, a message in a chunk', 0, 1, false)
await load('mqtt: QoS 0, 100 to 1, a message in a chunk', 0, 100, false)
await load('mqtt: QoS 1, 100 to 1, a message in a chunk', 1, 100, false)
await load('mqtt: QoS 1, 1 to 1, to a session that lasts', 1, 1, true)
