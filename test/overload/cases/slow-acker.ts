import assert from 'node:assert/strict'
import type { Case, Row, Stage } from '../case.ts'
import { sleep } from '../scene.ts'

/** One consumer that acknowledges late beside fast queues, for the time of a coffee break: space and latency stay. */
async function slowAcker(stage: Stage): Promise<Row> {
  const queues = stage.size(20, 100)
  const seconds = stage.size(10, 660)
  const rate = stage.size(1500, 3000)
  const segmentMb = stage.size(2, 16)
  const scene = await stage.open({ settings: { STORAGE_SEGMENT_BYTES: `${segmentMb} MiB` } })
  const bystander = await stage.bystander('amqp')
  const fast = { target: 'fast', targets: queues }
  await scene.declare('amqp', fast)
  await scene.declare('amqp', { target: 'late' })
  const readers = await scene.consumers('amqp', { ...fast, connections: queues, prefetch: 200 })
  const late = await scene.consumers('amqp', { target: 'late', ack: false, prefetch: 50_000 })
  const load = await scene.publishers('amqp', { ...fast, connections: 4, size: 1000, rate, window: 500 })
  const lateRate = stage.size(20, 600)
  const trickle = await scene.publishers('amqp', { target: 'late', rate: lateRate, size: 1000, window: 500 })
  await sleep(2000)
  bystander.mark('before')
  const samples: Sample[] = []
  const count = Math.max(8, Math.floor(seconds / 10))
  for (let i = 0; i < count; i++) {
    await sleep((seconds * 1000) / count)
    if (i === Math.floor(count / 4)) bystander.mark('during')
    if (i === count - Math.floor(count / 4)) bystander.mark('after')
    samples.push({
      at: performance.now(),
      disk: await scene.metric('dragoman_disk_bytes'),
      live: await scene.metric('dragoman_live_bytes'),
      taken: await scene.metric('dragoman_record_bytes_in_total'),
    })
  }
  const worst = Math.max(...samples.map((_, i) => amplification(samples, i, segmentMb)))
  bystander.mark(null)
  for (const each of [load, trickle]) each.tell('stop')
  const [sent, waiting] = await Promise.all([load.wait('done'), trickle.wait('done')])
  await scene.eventually(() => (readers.last?.messages ?? 0) >= sent.answered, 'all is consumed', 60_000)
  const held = late.last?.messages ?? 0
  const written = await scene.metric('dragoman_write_amplification')
  late.tell('ack')
  assert.ok(held > 0)
  assert.ok(worst <= 1.5, `space was ${worst.toFixed(2)} times what is live`)
  // Whatever passes through: what is beside the live bytes does not grow.
  const beside = samples.map(({ disk, live }) => (disk - live) / 1e6)
  const [early, settled] = [quarter(beside, 1), quarter(beside, 3)]
  const what = `${early.toFixed(0)} MB on disk beside what lives in the second quarter, ${settled.toFixed(0)} MB in the last`
  if (stage.full) assert.ok(settled <= 1.25 * early, what)
  const end = samples.at(-1)!
  const [first, last] = [bystander.delivered('before'), bystander.delivered('after')]
  assert.ok(last.p99Ms <= Math.max(5 * first.p99Ms, 250), bystander.text)
  stage.checkMemory(64)
  return {
    asked: `one slow acker beside ${queues} fast queues of ${rate}/s together, ${seconds} s`,
    more: `${sent.answered} messages passed, ${held} of the slow one's ${waiting.answered} delivered and not acknowledged; space at most ${worst.toFixed(2)} times what lives or came in the last 90 s, beside the journal's own; at the end ${(end.live / 1e6).toFixed(0)} MB live and ${(end.disk / 1e6).toFixed(0)} MB on disk; ${what}; written ${written.toFixed(2)} times`,
  }
}

/** The highest in one quarter of the time: 0 to 3. */
function quarter(values: readonly number[], which: number): number {
  const size = Math.floor(values.length / 4)
  return Math.max(...values.slice(which * size, (which + 1) * size))
}

interface Sample {
  at: number
  disk: number
  live: number
  taken: number
}

/** What is dead is looked at a minute after it was written, and then there is something to do. */
const cleaningMs = 90_000
/** Segments that the journal has ready, spare ones included, and those it writes and gives back. */
const ownSegments = 8
/** A start reads the journal from the older of two checkpoints on: so much of it stays, whatever lives in it. */
const journalMb = 2 * 128

/** Space on disk for each byte that lives, or is so young that nobody has looked at it yet. */
function amplification(samples: readonly Sample[], i: number, segmentMb: number): number {
  const { at, disk, live, taken } = samples[i]!
  const before = samples.findLast((sample) => sample.at <= at - cleaningMs)
  const young = taken - (before?.taken ?? 0)
  const own = (ownSegments * segmentMb + journalMb) * 1024 * 1024
  return Math.max(0, disk - own) / Math.max(1, live + young)
}

export const slowAckerCases: readonly Case[] = [{ name: 'slow-acker', run: slowAcker }]
