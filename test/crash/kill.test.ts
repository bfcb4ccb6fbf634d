import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spawnTestBroker, temporaryFolder } from '../support/index.ts'
import { amqpLoad, kafkaLoad, mqttLoad, type Load } from './loads.ts'

/** `TEST_KILLS=50 npm run test:crash` for a longer run. */
const kills = Number(process.env['TEST_KILLS'] ?? 3)

const cases: { load: Load; listener: string; duplicates: boolean }[] = [
  { load: kafkaLoad(false), listener: 'kafka', duplicates: true },
  { load: kafkaLoad(true), listener: 'kafka', duplicates: false },
  { load: amqpLoad(), listener: 'amqp', duplicates: true },
  { load: mqttLoad(1), listener: 'mqtt', duplicates: true },
  { load: mqttLoad(2), listener: 'mqtt', duplicates: false },
]

for (const { load, listener, duplicates } of cases) {
  test(`${load.name}: kill -9 under load ${kills} times, no acked message lost`, { timeout: 600_000 }, async (t) => {
    const data = temporaryFolder(t)
    const acked: number[] = []
    let next = 0
    for (let round = 0; round < kills; round++) {
      const broker = await spawnTestBroker(t, { data })
      if (round === 0) await load.prepare(broker.port(listener))
      let stopped = false
      const before = acked.length
      const running = load.run(
        broker.port(listener),
        next,
        (n) => acked.push(n),
        () => stopped,
      )
      await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 900))
      await broker.kill()
      stopped = true
      next = await running
      assert.ok(acked.length > before, `round ${round}: nothing was acknowledged before the kill`)
    }
    const broker = await spawnTestBroker(t, { data })
    const promised = new Set(acked)
    const seen = await load.drain(broker.port(listener), promised.size)
    const there = new Set(seen)
    const lost = acked.filter((n) => !there.has(n))
    t.diagnostic(`${kills} kills, ${acked.length} acked, ${seen.length} there, ${lost.length} lost`)
    assert.deepEqual(lost.slice(0, 20), [], `${lost.length} of ${acked.length} acked messages are lost`)
    const firsts = [...there]
    assert.deepEqual(
      firsts,
      [...firsts].sort((a, b) => a - b),
      'order is kept',
    )
    if (!duplicates) assert.equal(seen.length, there.size, 'no duplicates')
    await broker.kill()
  })
}
