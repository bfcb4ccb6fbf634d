import assert from 'node:assert/strict'
import { connect } from 'amqplib'
import { othersMb, type Case, type Row, type Stage } from '../case.ts'
import { sleep } from '../scene.ts'

/** One queue that is very deep: publishing to it, consuming from it, emptying it and restarting with it. */
async function deep(stage: Stage): Promise<Row> {
  const depth = stage.size(100_000, 10_000_000)
  const scene = await stage.open()
  await stage.bystander('amqp')
  await stage.before()
  await scene.declare('amqp', { target: 'deep' })
  stage.mark('during')
  const window = { target: 'deep', connections: 4, window: 500, size: 100 }
  const speed = async (count: number): Promise<number> => {
    const load = await scene.publishers('amqp', { ...window, count })
    const { answered, seconds } = await load.wait('done', 3_000_000)
    assert.equal(answered, count)
    return answered / seconds
  }
  const sample = depth / 10
  const shallowRate = await speed(sample)
  await speed(depth - 2 * sample)
  const deepRate = await speed(sample)
  const filledMb = scene.memory.peakMb
  const reader = await scene.consumers('amqp', { target: 'deep', prefetch: 1000 })
  const seen = reader.last?.messages ?? 0
  await sleep(stage.size(2000, 20_000))
  const readRate = ((reader.last?.messages ?? 0) - seen) / (stage.size(2000, 20_000) / 1000)
  await reader.stop()
  await speed(sample)
  const connection = await connect(`amqp://guest:guest@${scene.broker.address('amqp')}`)
  const channel = await connection.createChannel()
  const purging = performance.now()
  const { messageCount } = await channel.purgeQueue('deep')
  const purgeMs = performance.now() - purging
  await speed(1000)
  const deleting = performance.now()
  await channel.deleteQueue('deep')
  const deleteMs = performance.now() - deleting
  await connection.close()
  await stage.after()
  assert.ok(messageCount >= sample, `${messageCount} messages were purged`)
  assert.ok(
    deepRate > shallowRate / 3,
    `${shallowRate.toFixed(0)}/s into a shallow queue, ${deepRate.toFixed(0)}/s into a deep one`,
  )
  assert.ok(purgeMs < 5000 && deleteMs < 5000, `purge ${purgeMs} ms, delete ${deleteMs} ms`)
  stage.checkMemory(64)
  stage.checkBystanders(0.3, 5000)
  return {
    asked: `one queue of ${depth} messages`,
    more: `published ${shallowRate.toFixed(0)}/s when shallow, ${deepRate.toFixed(0)}/s when deep, consumed ${readRate.toFixed(0)}/s from the front; ${filledMb.toFixed(0)} MB; purged in ${purgeMs.toFixed(0)} ms, deleted in ${deleteMs.toFixed(0)} ms`,
  }
}

/** Very many messages that are delivered and not acknowledged, or that wait for their time. */
async function waiting(stage: Stage, how: 'unacked' | 'delayed' | 'ttl'): Promise<Row> {
  const count = stage.size(20_000, 1_000_000)
  const scene = await stage.open()
  await stage.bystander('amqp')
  await stage.before()
  stage.mark('during')
  const delayMs = stage.size(4000, 120_000)
  const flags = how === 'delayed' ? { delay: delayMs } : how === 'ttl' ? { ttl: delayMs } : {}
  await scene.declare('amqp', { target: 'waiting', ...flags })
  const load = await scene.publishers('amqp', {
    target: 'waiting',
    connections: 4,
    window: 500,
    size: 100,
    count,
    ...flags,
  })
  const { answered, seconds } = await load.wait('done', 1_800_000)
  assert.equal(answered, count)
  const ready = 'dragoman_queue_ready{namespace="default",log="waiting",subscription=""}'
  const began = performance.now()
  let text: string
  if (how === 'ttl') {
    await scene.eventually(async () => (await scene.metric(ready)) === 0, 'all have expired', 600_000)
    text = `all gone ${((performance.now() - began) / 1000).toFixed(1)} s after the last was published`
  } else {
    const consumer = await scene.consumers('amqp', { target: 'waiting', ack: false })
    await scene.eventually(() => (consumer.last?.messages ?? 0) >= count, `${count} messages are delivered`, 600_000)
    const heldMb = scene.memory.nowMb
    consumer.tell('ack')
    await sleep(1000)
    text = `all delivered in ${((performance.now() - began) / 1000).toFixed(1)} s, ${heldMb.toFixed(0)} MB with all of them unacknowledged`
  }
  await stage.after()
  // 31 bytes for each lease, 16 for each that waits; and what the protocol notes of it.
  stage.checkMemory(64, othersMb({ unacknowledged: count }))
  stage.checkBystanders(0.3, 10_000)
  return { asked: `${count} messages ${how}`, more: `${(answered / seconds).toFixed(0)}/s published, ${text}` }
}

export const backlogCases: readonly Case[] = [
  { name: 'deep-queue', run: deep },
  { name: 'unacked', run: (stage) => waiting(stage, 'unacked') },
  { name: 'delayed', run: (stage) => waiting(stage, 'delayed') },
  { name: 'ttl', run: (stage) => waiting(stage, 'ttl') },
]
