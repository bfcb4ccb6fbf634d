import assert from 'node:assert/strict'
import { othersMb, type Case, type Row, type Stage } from '../case.ts'
import { sleep } from '../scene.ts'

const memoryMb = 32
const bodyBytes = 20_000

interface Kind {
  protocol: string
  /** All listen to one address; else each has a queue or topic of its own. */
  together: boolean
  flags: Record<string, string | boolean | number>
}

/** Messages that nobody reads, or acknowledges, for many consumers at once, beside clients that do. */
async function slowConsumers(stage: Stage, kind: Kind, resume: 'open' | 'ack'): Promise<Row> {
  const { protocol, together, flags } = kind
  // Each could have a few MiB on its way: together several times what is allowed.
  const consumers = stage.size(together ? 40 : 120, 400)
  const count = stage.size(together ? 3000 : 12_000, 200_000)
  const scene = await stage.open({ settings: { LIMITS_MEMORY_BYTES: `${memoryMb} MiB` } })
  await stage.bystander(protocol)
  await stage.before()
  const targets = { target: 'slow', targets: together ? 1 : consumers }
  await scene.declare(protocol, targets)
  const slow = await scene.consumers(protocol, { ...targets, connections: consumers, keepalive: 3600, ...flags })
  const publishers = await scene.publishers(protocol, { ...targets, connections: 4, size: bodyBytes, count })
  stage.mark('during')
  const published = await publishers.wait('done', stage.size(90_000, 1_800_000))
  // What could be sent has been, and the bystander has had some seconds of it.
  await sleep(2000)
  await stage.after()
  const before = slow.last?.messages ?? 0
  const began = performance.now()
  slow.tell(resume)
  // What is not stored for a slow subscriber was dropped, as said; all else must come.
  const wanted = together ? before + 1 : published.answered
  const all = (): boolean => (slow.last?.messages ?? 0) >= wanted
  await scene.eventually(all, 'the rest comes', stage.size(60_000, 300_000)).catch((error: unknown) => {
    const { messages, lostErrors } = slow.last!
    throw new Error(
      `${(error as Error).message}: ${before}, then ${messages} of ${wanted}; lost: ${lostErrors?.join()}`,
    )
  })
  const tookMs = performance.now() - began
  assert.equal(await scene.metric('dragoman_slow_consumers_total{listener="' + protocol + '"}'), 0)
  // Kafka consumers that catch up all at once: their answers are read before it is known what fits.
  const answersMb = protocol === 'kafka' ? 32 + consumers / 16 : 0
  const unacknowledged = protocol === 'kafka' || together ? 0 : published.answered
  const queues = together ? 1 : consumers
  stage.checkMemory(memoryMb, answersMb + othersMb({ connections: consumers, queues, unacknowledged }))
  stage.checkBystanders(0.5, 5000)
  const mb = ((published.answered * bodyBytes * (together ? consumers : 1)) / 1e6).toFixed(0)
  return {
    asked: `${consumers} ${protocol} consumers that never ${resume === 'open' ? 'read' : 'acknowledge'}, ${mb} MB for them, ${memoryMb} MiB allowed`,
    told: resume === 'open' ? 'their TCP windows are closed, and nothing is sent' : 'no more than the client may hold',
    recovery: `${together ? 'messages flow' : `all ${wanted} messages`} ${(tookMs / 1000).toFixed(1)} s after they ${resume === 'open' ? 'read' : 'acknowledge'}`,
  }
}

const read = { read: false }
const ack = { ack: false }

export const slowConsumerCases: readonly Case[] = [
  {
    name: 'never-read-amqp',
    run: (stage) => slowConsumers(stage, { protocol: 'amqp', together: false, flags: read }, 'open'),
  },
  {
    name: 'never-read-mqtt',
    run: (stage) => slowConsumers(stage, { protocol: 'mqtt', together: true, flags: read }, 'open'),
  },
  {
    name: 'never-read-mqtt-session',
    run: (stage) =>
      slowConsumers(stage, { protocol: 'mqtt', together: false, flags: { ...read, session: true } }, 'open'),
  },
  {
    name: 'never-read-kafka',
    run: (stage) =>
      slowConsumers(stage, { protocol: 'kafka', together: false, flags: { ...read, start: true } }, 'open'),
  },
  {
    name: 'never-ack-amqp',
    run: (stage) => slowConsumers(stage, { protocol: 'amqp', together: false, flags: ack }, 'ack'),
  },
  {
    name: 'never-ack-mqtt',
    run: (stage) =>
      slowConsumers(stage, { protocol: 'mqtt', together: false, flags: { ...ack, session: true } }, 'ack'),
  },
]
