import assert from 'node:assert/strict'
import { onBoth } from './testing/both.ts'

const hourMs = 3_600_000

onBoth('a lease lasts as long as it was given, however the clock of the machine jumps', async (open) => {
  const stand = await open()
  const client = await stand.client()
  const [log, queue] = await stand.queue('q')
  await stand.attach(client, queue, { leaseMs: 1000 })
  await stand.append(client, log, 'a')
  await stand.settle()
  assert.deepEqual(client.values(), ['a'])
  stand.time.wallShiftMs += hourMs
  await stand.settle(600)
  assert.deepEqual(client.values(), [])
  stand.time.wallShiftMs -= 2 * hourMs
  await stand.settle(500)
  assert.deepEqual(client.values(), ['a'])
})

onBoth('a reader that waits is answered in time, and what is idle ends in time', async (open) => {
  const stand = await open({ retentionMs: 100 })
  const log = await stand.log('l')
  const idle = await stand.log('idle', { lifetime: { unusedMs: 2000 } })
  stand.time.wallShiftMs += hourMs
  await stand.settle(500)
  assert.ok(stand.broker.get(idle) !== undefined)
  const options = { session: 0, bytesMin: 1, bytesMax: 1000, waitMs: 1000 }
  const read = stand.broker.read([{ log, partition: 0, offset: 0, bytesMax: 1000 }], options)
  stand.time.wallShiftMs -= 2 * hourMs
  let answered = false
  void read.then(() => (answered = true))
  await stand.settle(1100)
  assert.ok(answered)
  await stand.settle(1000)
  assert.equal(stand.broker.get(idle), undefined)
})
