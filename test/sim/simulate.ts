import { inspect } from 'node:util'
import { AmqpConsumer } from './actors/amqp-consumer.ts'
import { AmqpOwner } from './actors/amqp-owner.ts'
import { AmqpPublisher } from './actors/amqp-publisher.ts'
import type { Client } from './actors/client.ts'
import { Insiders, type Memory } from './actors/insiders.ts'
import { Inspector } from './actors/inspector.ts'
import { KafkaConsumer } from './actors/kafka-consumer.ts'
import { KafkaOwner } from './actors/kafka-owner.ts'
import { KafkaProducer } from './actors/kafka-producer.ts'
import { Leaser } from './actors/leaser.ts'
import { MqttPublisher } from './actors/mqtt-publisher.ts'
import { Subscriber } from './actors/mqtt-subscriber.ts'
import { Scene } from './actors/scene.ts'
import { lay } from './actors/topology.ts'
import { Auditor, Violation } from './audit/index.ts'
import type { FaultKind } from './machine/faults.ts'
import { Machine } from './machine/machine.ts'
import { Trace } from './machine/trace.ts'
import { Weather } from './machine/weather.ts'

export interface Report {
  lives: number
  simulatedMs: number
  counts: Auditor['counts']
  faults: Readonly<Record<FaultKind, number>>
  /** Of all that happened. */
  digest: string
}

/** What a seed found wrong, and what happened before. */
export class Found extends Error {
  override name = 'Found'
}

export interface SimulateOptions {
  /** Given each line of the trace as it is noted. */
  tell?: (line: string) => void
  /** Longer lives, and more of them. */
  long?: boolean
}

/** A few lives of one broker, with clients that outlive it; throws what the auditor finds. */
export async function simulate(seed: number, { tell, long = false }: SimulateOptions = {}): Promise<Report> {
  const trace = new Trace(() => machine.time.monotonic(), 80, tell ?? null)
  const machine: Machine = new Machine(seed, trace)
  const auditor = new Auditor(() => machine.time.monotonic())
  const scene = new Scene(machine, auditor)
  try {
    const lives = await play(scene, long)
    const simulatedMs = Math.round(machine.time.monotonic())
    return { lives, simulatedMs, counts: auditor.counts, faults: machine.faults.counts, digest: trace.digest() }
  } catch (error) {
    const what = inspect(error)
    throw new Found(`seed ${seed}: ${what}\n${JSON.stringify(machine.faults.plan)}\n${trace.last.join('\n')}`)
  } finally {
    scene.over = true
  }
}

function castOf(scene: Scene): { clients: Client[]; subscriber: Subscriber } {
  const { machine } = scene
  let streams = 10
  const random = () => machine.stream(streams++)
  const subscriber = new Subscriber(scene, 'mqtt-sub', random())
  const consumer = new AmqpConsumer(scene, 'amqp-con', random())
  const clients = [
    subscriber,
    new MqttPublisher(scene, 'mqtt-pub', random(), subscriber),
    new AmqpPublisher(scene, 'amqp-pub', random(), subscriber),
    consumer,
    new KafkaProducer(scene, 'kafka-idem', random(), subscriber, true),
    new KafkaProducer(scene, 'kafka-plain', random(), subscriber, false),
    new KafkaConsumer(scene, 'kafka-con', random()),
    new AmqpOwner(scene, 'amqp-own', random()),
    new KafkaOwner(scene, 'kafka-own', random()),
  ]
  return { clients, subscriber }
}

async function play(scene: Scene, long: boolean): Promise<number> {
  const { machine, auditor } = scene
  for (const [name, kind] of places) auditor.addPlace(name, kind)
  const { clients, subscriber } = castOf(scene)
  const memory: Memory = { number: 0, position: 0 }
  const weather = new Weather(scene, clients)
  const lives = (long ? 2 : 1) + machine.random.below(3)
  for (let life = 0; life < lives; life++) {
    const inspector = await begin(scene)
    if (life === 0) for (const client of clients) client.start()
    const insiders = new Insiders(scene, inspector.topology, machine.stream(30 + life), memory, subscriber)
    const leasers = [50, 70].map((n) => new Leaser(scene, inspector.topology, machine.stream(n + life)))
    await machine.time.until(insiders.start())
    for (const leaser of leasers) leaser.start()
    await weather.blow(long ? 100 + machine.random.below(500) : 40 + machine.random.below(160))
    insiders.dead = true
    for (const leaser of leasers) leaser.dead = true
    weather.clear()
    if (machine.random.once(6)) await machine.stop()
    else machine.crash(machine.random.once(4) ? 'killed' : 'powerLost')
    await scene.pass(machine.random.below(long ? 500 : 100))
  }
  await settle(scene, clients)
  return lives
}

/** Starts the broker, and looks whether all is there that was promised. */
async function begin(scene: Scene): Promise<Inspector> {
  const { machine, auditor } = scene
  await machine.boot()
  auditor.newLife()
  const topology = await lay(machine)
  const inspector = new Inspector(scene, topology)
  await inspector.open()
  await inspector.whole()
  inspector.position()
  return inspector
}

/** Everything comes to rest, and is counted. */
async function settle(scene: Scene, clients: readonly Client[]): Promise<void> {
  const { auditor, machine } = scene
  const inspector = await begin(scene)
  scene.calmSince = scene.now
  scene.quiet = true
  await passUntilNothing(scene, () => {
    const restless = clients.find((client) => !client.resting)
    return restless && `${restless.name} does not come to rest`
  })
  await passUntilNothing(scene, () => {
    const untold = auditor.untold('subscriber')
    return untold && `the subscriber was never told of acknowledged ${untold}`
  })
  if (auditor.missesRotten && !machine.damageTold)
    throw new Violation('stored messages are damaged, and nobody is told')
  scene.over = true
  // What is still under way would be taken, given back or acknowledged behind the back of whoever counts.
  await passUntilNothing(scene, () => (machine.net.connections.size > 0 ? 'a connection does not end' : undefined))
  await inspector.whole()
  await inspector.drain()
  await machine.stop()
}

/** So long one and the same thing may be missing: a backlog over a slow net takes longer, and gets on. */
const missingMsMax = 60_000

/** Lets time pass until nothing is `missing`; throws what does not come. */
async function passUntilNothing(scene: Scene, missing: () => string | undefined): Promise<void> {
  let before: string | undefined
  let since = scene.now
  for (;;) {
    await scene.pass(200)
    const now = missing()
    if (now === undefined) return
    if (now !== before) since = scene.now
    else if (scene.now - since > missingMsMax) throw new Violation(now)
    before = now
  }
}

const places = [
  ['topic', 'log'],
  ['dead', 'log'],
  ['captured', 'queue'],
  ['work', 'queue'],
  ['subscriber', 'session'],
] as const
