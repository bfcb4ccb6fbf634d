/** The arithmetic of pairs, and what /proc says of a process that is known. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import net from 'node:net'
import { test } from 'node:test'
import { newFileSyncRate, sequentialSyncRate } from '../../bench/measure/disk.ts'
import { killBelow, Meter, processTree, rssBytesOf } from '../../bench/measure/process-tree.ts'
import { freePorts, untilReady } from '../../bench/measure/ready.ts'
import { median, pairedRatio, percentile, spreadOf } from '../../bench/measure/statistics.ts'
import { spawnTestBroker, temporaryFolder } from '../support/index.ts'

test('medians, percentiles and spreads', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 3, 2]), 3)
  assert.equal(
    percentile(
      Array.from({ length: 1000 }, (_, index) => index + 1),
      0.99,
    ),
    991,
  )
  assert.ok(Number.isNaN(median([])))
  assert.deepEqual(spreadOf([5, 1, 9]), { median: 5, min: 1, max: 9, count: 3 })
})

test('a ratio is of runs that were neighbours: a slow minute changes nothing', () => {
  const ours = [100, 10, 100]
  const theirs = [50, 5, 50]
  assert.deepEqual(pairedRatio(ours, theirs), { median: 2, min: 2, max: 2, count: 3 })
  assert.equal(pairedRatio([100, 10], [50]).count, 1)
})

test('processor time, memory and children of a process', async (t) => {
  // Until it has had so much of the processor, however long that takes beside others.
  const busy = 'while (process.cpuUsage().user < 300_000);setTimeout(() => {}, 1e6)'
  const child = spawn('sh', ['-c', '"$0" -e "$1" & wait', process.execPath, busy])
  const closed = once(child, 'close')
  t.after(() => {
    child.kill('SIGKILL')
    return closed
  })
  const until = Date.now() + 60_000
  const meter = new Meter(child.pid!)
  while (processTree(child.pid!).reduce((total, { cpuSeconds }) => total + cpuSeconds, 0) < 0.1) {
    assert.ok(Date.now() < until, 'no processor time within a minute')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const usage = meter.finish()
  assert.equal(processTree(child.pid!).length, 2)
  assert.ok(usage.cpuSeconds >= 0.05, `${usage.cpuSeconds}`)
  assert.ok(usage.rssPeakBytes > 2e6 && usage.rssPeakBytes < 500e6, `${usage.rssPeakBytes}`)
  assert.ok(rssBytesOf(child.pid!) > 2e6)
  killBelow(child.pid!)
  await closed // the shell had waited for it
})

test('the disk alone: a rate and the time of one write', (t) => {
  const folder = temporaryFolder(t)
  const { bytesPerSecond, syncP50Ms, syncP99Ms } = sequentialSyncRate(folder, 4096, 0.2)
  assert.ok(bytesPerSecond > 0)
  assert.ok(syncP99Ms >= syncP50Ms)
  assert.ok(newFileSyncRate(folder, 3_000_000, 10_000_000) > 0)
  assert.deepEqual(readdirSync(folder), [])
})

test('ready is when a client is answered, in each protocol', async (t) => {
  const broker = await spawnTestBroker(t)
  for (const protocol of ['kafka', 'amqp', 'mqtt'] as const) {
    await untilReady(protocol, broker.port(protocol), () => false, 20_000)
  }
})

test('an open port that says nothing is not ready, and one whose server ended never will be', async (t) => {
  const sockets: net.Socket[] = []
  const server = net.createServer((socket) => sockets.push(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as net.AddressInfo
  await assert.rejects(
    untilReady('kafka', port, () => false, 100),
    /no answer/,
  )
  const [closed] = await freePorts(1)
  await assert.rejects(
    untilReady('mqtt', closed!, () => true, 20_000),
    /ended before/,
  )
})
