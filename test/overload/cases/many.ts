import assert from 'node:assert/strict'
import type { Case, Row, Stage } from '../case.ts'
import { sleep } from '../scene.ts'

/** Very many queues or topics: with nothing to do they cost nothing, and one hot one among them takes nothing away. */
async function many(stage: Stage, protocol: string, count: number, consumers: number): Promise<Row> {
  const scene = await stage.open()
  const targets = { target: 'many', targets: count }
  const began = performance.now()
  await scene.declare(protocol, targets)
  const declareMs = performance.now() - began
  const readers = await scene.consumers(protocol, { ...targets, connections: consumers, start: true, prefetch: 100 })
  const fill = await scene.publishers(protocol, { ...targets, connections: 4, window: 200, size: 100, count })
  await fill.wait('done')
  const rssMb = scene.memory.nowMb
  await sleep(3000)
  const idle = await scene.idleCpu(stage.size(3000, 15_000))
  await stage.bystander(protocol)
  await stage.before()
  const little = await scene.publishers(protocol, { ...targets, connections: 2, size: 100, rate: 500 })
  await scene.declare(protocol, { target: 'hot' })
  const hotReader = await scene.consumers(protocol, { target: 'hot', prefetch: 1000, start: true })
  const hot = await scene.publishers(protocol, { target: 'hot', connections: 4, window: 200, size: 100 })
  stage.mark('during')
  const seconds = stage.size(4, 60)
  await sleep(seconds * 1000)
  const hotRate = (hot.last?.answered ?? 0) / seconds
  const littleRate = (little.last?.answered ?? 0) / seconds
  for (const load of [hot, little]) load.tell('stop')
  await Promise.all([hot.wait('done'), little.wait('done')])
  await stage.after()
  assert.ok(idle < 0.1, `with nothing to do it takes ${(idle * 100).toFixed(1)} % of a core`)
  assert.ok(littleRate > 200, `${littleRate}/s of 500/s came through beside the hot one`)
  assert.ok(hotRate > 2 * littleRate, `${hotRate}/s through the hot one`)
  assert.ok((hotReader.last?.messages ?? 0) > 0 && (readers.last?.messages ?? 0) > 0)
  stage.checkMemory(256, count / 50)
  stage.checkBystanders(0.5, 5000)
  const what = protocol === 'kafka' ? 'topics' : 'queues'
  return {
    asked: `${count} ${protocol} ${what} with a message each, ${consumers} consumers, 500/s over all and one hot one`,
    more: `${rssMb.toFixed(0)} MB with all of them, declared in ${(declareMs / 1000).toFixed(1)} s, ${(idle * 100).toFixed(1)} % of a core with nothing to do, hot one ${hotRate.toFixed(0)}/s, others ${littleRate.toFixed(0)}/s`,
  }
}

export const manyCases: readonly Case[] = [
  { name: 'many-queues', run: (stage) => many(stage, 'amqp', stage.size(200, 1000), stage.size(100, 1000)) },
  { name: 'many-topics', run: (stage) => many(stage, 'kafka', stage.size(2000, 10_000), 20) },
]
