import assert from 'node:assert/strict'
import type { Channel } from 'amqplib'
import {
  RawClient,
  ack,
  bits,
  consume,
  declareQueue,
  method,
  publish,
  shortstr,
  table,
  textField,
  ticket,
  u16,
} from './raw.ts'
import { cases, holds, pause, type World } from './support.ts'

const select = method(1, 90, 10)
const commit = method(1, 90, 20)
const commitOk = '90.21 on 1'
const rollback = method(1, 90, 30)
const rollbackOk = '90.31 on 1'
const settleOk = ['60.21 on 1']
const get = (queue: string): Buffer => method(1, 60, 70, ticket, shortstr(queue), bits(0))
const qos = (prefetch: number): Buffer => method(1, 60, 10, u16(0), u16(0), u16(prefetch), bits(0))
const multiple = 1
const delivered = ['60.60 on 1', 'header 1', 'body 1']

async function expect(client: RawClient, ...frames: string[]): Promise<void> {
  for (const frame of frames) assert.equal(await client.next(), frame)
}

async function selected(w: World, ...sent: Buffer[]): Promise<RawClient> {
  const client = await RawClient.open(w.port)
  client.send(select, ...sent)
  await expect(client, '90.11 on 1')
  return client
}

async function fill(ch: Channel, queue: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) ch.sendToQueue(queue, Buffer.from('hi'))
  await holds(ch, queue, count)
}

cases('AMQP 0-9-1 transactions', {
  'an acknowledgement of all means what was there when it came': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await fill(ch, w.name, 2)
    const client = await selected(w, qos(3), consume(w.name, 'c'))
    await expect(client, '60.11 on 1', ...settleOk, ...delivered, ...delivered)
    client.send(ack(80, 0, multiple))
    await pause(50)
    ch.sendToQueue(w.name, Buffer.from('hi'))
    await expect(client, ...delivered)
    client.send(commit)
    await expect(client, commitOk)
    await client.close()
    await holds(ch, w.name, 1)
  },

  'one of those that all stands for may have been acknowledged before': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await fill(ch, w.name, 3)
    const client = await selected(w, consume(w.name, 'c'))
    await expect(client, ...settleOk, ...delivered, ...delivered, ...delivered)
    client.send(ack(80, 3), ack(80, 0, multiple), commit)
    await expect(client, commitOk)
    await client.close()
    await pause(100)
    await holds(ch, w.name, 0)
  },

  'a tag is acknowledged once in a transaction, and again after a rollback': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await fill(ch, w.name, 3)
    for (const [first, again] of [
      [ack(80, 2), ack(80, 2)],
      [ack(80, 2), ack(120, 2)],
      [ack(80, 2), ack(80, 2, multiple)],
      [ack(80, 2, multiple), ack(80, 1)],
      [ack(80, 0, multiple), ack(80, 3)],
    ] as const) {
      const client = await selected(w, consume(w.name, 'c'))
      await expect(client, ...settleOk, ...delivered, ...delivered, ...delivered)
      client.send(first, again)
      assert.match(await client.next(), /^channel 406 PRECONDITION_FAILED - unknown delivery tag/)
      await client.close()
      await holds(ch, w.name, 3)
    }
    const client = await selected(w, consume(w.name, 'c'))
    await expect(client, ...settleOk, ...delivered, ...delivered, ...delivered)
    client.send(ack(80, 1), ack(80, 3), rollback, ack(80, 3), ack(80, 2, multiple), commit)
    await expect(client, rollbackOk, commitOk)
    await client.close()
    await pause(100)
    await holds(ch, w.name, 0)
  },

  'nothing of a transaction happens when a queue has no room for all of it': async (w) => {
    const ch = await w.channel()
    const [work, full] = [`${w.name}-work`, `${w.name}-full`]
    await ch.assertQueue(work)
    await ch.assertExchange(w.name, 'fanout')
    await ch.assertQueue(full, { arguments: { 'x-max-length': 2, 'x-overflow': 'reject-publish' } })
    await ch.bindQueue(full, w.name, '')
    await fill(ch, work, 1)
    for (const to of [publish(w.name, ''), publish('', full)]) {
      const client = await selected(w, consume(work, 'c'))
      await expect(client, ...settleOk, ...delivered)
      client.send(to, publish(w.name, ''), publish('', full), publish('', work), ack(80, 1), commit)
      assert.match(await client.next(), /^channel 406 PRECONDITION_FAILED/)
      await holds(ch, full, 0)
      await holds(ch, work, 1)
      await client.close()
    }
    const client = await selected(w, publish(w.name, ''), publish('', full), commit)
    await expect(client, commitOk)
    await holds(ch, full, 2)
    await client.close()
  },

  'what was taken by get is given back by a transaction that fails': async (w) => {
    const ch = await w.channel()
    const full = `${w.name}-full`
    await ch.assertQueue(w.name)
    await ch.assertQueue(full, { arguments: { 'x-max-length': 0, 'x-overflow': 'reject-publish' } })
    await fill(ch, w.name, 1)
    const client = await selected(w, get(w.name))
    await expect(client, '60.71 on 1', 'header 1', 'body 1')
    client.send(ack(80, 1), publish('', full), commit)
    assert.match(await client.next(), /^channel 406 PRECONDITION_FAILED/)
    await holds(ch, w.name, 1)
    await client.close()
  },

  'the queue of an acknowledged message may be deleted before the commit': async (w) => {
    const ch = await w.channel()
    const gone = `${w.name}-gone`
    await ch.assertQueue(w.name)
    await ch.assertQueue(gone)
    await fill(ch, w.name, 1)
    await fill(ch, gone, 1)
    const client = await selected(w, consume(w.name, 'c'))
    await expect(client, ...settleOk, ...delivered)
    client.send(consume(gone, 'd'))
    await expect(client, ...settleOk, ...delivered)
    client.send(ack(80, 0, multiple))
    await pause(50)
    await ch.deleteQueue(gone)
    await expect(client, '60.30 on 1')
    client.send(commit)
    await expect(client, commitOk)
    await client.close()
    await pause(100)
    await holds(ch, w.name, 0)
  },

  'commit-ok comes when rejected messages have been dead-lettered': async (w) => {
    const ch = await w.channel()
    const dead = `${w.name}-dead`
    await ch.assertQueue(dead)
    const client = await RawClient.open(w.port)
    const letters = table(textField('x-dead-letter-exchange', ''), textField('x-dead-letter-routing-key', dead))
    client.send(declareQueue(w.name, 2, letters), select)
    await expect(client, '50.11 on 1', '90.11 on 1')
    await fill(ch, w.name, 1)
    client.send(consume(w.name, 'c'))
    await expect(client, ...settleOk, ...delivered)
    client.send(ack(90, 1), commit)
    await expect(client, commitOk)
    assert.equal((await ch.checkQueue(dead)).messageCount, 1)
    await client.close()
  },
})
