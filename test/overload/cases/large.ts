import assert from 'node:assert/strict'
import type { Case, Row, Stage } from '../case.ts'
import { sleep } from '../scene.ts'

const mib = 1024 * 1024
const hundred = 100 * mib

/** How each protocol says that a message is too large. */
const words: Record<string, RegExp> = {
  amqp: /PRECONDITION_FAILED - message size 104857600 is larger/,
  kafka: /MESSAGE_TOO_LARGE/,
  mqtt: /reason 0x95/,
}

/** 100 MiB against the limit: refused in the protocol's words, before the body is taken in. */
async function refused(stage: Stage, protocol: string): Promise<Row> {
  const scene = await stage.open({
    settings: { LIMITS_MEMORY_BYTES: '32 MiB', PROTOCOLS_AMQP_MESSAGE_BYTES_MAX: '16 MiB' },
  })
  await stage.bystander(protocol)
  await scene.declare(protocol, { target: 'large' })
  await stage.before()
  stage.mark('during')
  // Kafka reads a request to its end before it looks into it, and none above 100 MiB, as Kafka itself.
  const size = protocol === 'kafka' ? 0.9 * hundred : hundred
  const sender = await scene.publishers(protocol, {
    target: 'large',
    size,
    window: 1,
    count: 1,
    sizemax: hundred + mib,
  })
  const answer = await scene.eventually(
    () => sender.reports.find(({ refused: count, lost }) => count > 0 || lost > 0),
    'the message is refused',
    30_000,
  )
  await sleep(1000)
  await sender.stop()
  await stage.after()
  const said = [...(answer.errors ?? []), ...(answer.lostErrors ?? [])].join('; ')
  assert.match(said, words[protocol]!)
  stage.checkMemory(32, protocol === 'kafka' ? 100 : 0)
  stage.checkBystanders(0.5, 5000)
  return { asked: `a message of ${size / mib} MiB above the ${protocol} limit`, told: said }
}

/** Where the limits allow it, it works; several at once take turns, and the others go on meanwhile. */
async function taken(stage: Stage, protocol: string): Promise<Row> {
  const memoryMb = 128
  const several = stage.size(3, 8)
  const scene = await stage.open({
    settings: {
      LIMITS_MEMORY_BYTES: `${memoryMb} MiB`,
      PROTOCOLS_MQTT_PACKET_BYTES_MAX: '128 MiB',
      PROTOCOLS_AMQP_MESSAGE_BYTES_MAX: '128 MiB',
      PROTOCOLS_KAFKA_MESSAGE_BYTES_MAX: '128 MiB',
    },
  })
  await stage.bystander(protocol)
  await stage.before()
  const sizes = { size: hundred, sizemax: hundred + mib }
  await scene.declare(protocol, { target: 'large', ...sizes })
  const reader = await scene.consumers(protocol, { target: 'large', ...sizes, session: true, start: true, prefetch: 1 })
  stage.mark('during')
  const began = performance.now()
  const senders = await scene.publishers(protocol, {
    target: 'large',
    ...sizes,
    connections: several,
    window: 1,
    count: several,
  })
  const sent = await senders.wait('done', 150_000)
  assert.deepEqual([sent.answered, sent.refused], [several, 0], (sent.errors ?? []).join('; '))
  await scene.eventually(() => (reader.last?.bytes ?? 0) >= several * hundred, 'all of them are delivered', 150_000)
  const tookMs = performance.now() - began
  await stage.after()
  // One message as it came in and as it is stored, and the one before, on its way out and not collected yet.
  stage.checkMemory(memoryMb, 4 * 100)
  stage.checkBystanders(0.3, 10_000)
  return {
    asked: `${several} ${protocol} messages of 100 MiB at once, allowed, ${memoryMb} MiB for clients`,
    recovery: `all delivered ${(tookMs / 1000).toFixed(1)} s after the first byte`,
  }
}

export const largeCases: readonly Case[] = ['amqp', 'mqtt', 'kafka'].flatMap((protocol) => [
  { name: `large-refused-${protocol}`, run: (stage: Stage) => refused(stage, protocol) },
  { name: `large-taken-${protocol}`, run: (stage: Stage) => taken(stage, protocol) },
])
