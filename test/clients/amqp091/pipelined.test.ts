import assert from 'node:assert/strict'
import type { Channel } from 'amqplib'
import { RawClient, ack, bits, consume, declareQueue, method, shortstr, table, ticket, u16, u32 } from './raw.ts'
import { Inbox, cases, holds, pause } from './support.ts'

const globalQos = (prefetch: number): Buffer => method(1, 60, 10, u32(0), u16(prefetch), bits(1))
const cancel = (tag: string): Buffer => method(1, 60, 30, shortstr(tag), bits(0))
const closeChannel = method(1, 20, 40, u16(200), shortstr(''), u16(0), u16(0))
const multiple = 1
const [durable, exclusive, autoDeleteExchange, autoDelete] = [2, 4, 4, 8]
const nowait = 1
const [declareOk, exchangeOk, bindOk, unbindOk] = ['50.11 on 1', '40.11 on 1', '50.21 on 1', '50.51 on 1']
const [qosOk, consumeOk, cancelOk, deleteOk] = ['60.11 on 1', '60.21 on 1', '60.31 on 1', '50.41 on 1']
const delivered = ['60.60 on 1', 'header 1', 'body 1']

async function expect(client: RawClient, ...frames: string[]): Promise<void> {
  for (const frame of frames) assert.equal(await client.next(), frame)
}

async function fill(ch: Channel, queue: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) ch.sendToQueue(queue, Buffer.from('hi'))
  await holds(ch, queue, count)
}

cases('AMQP 0-9-1, several methods in one packet', {
  'a global prefetch and an acknowledgement': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await fill(ch, w.name, 1)
    const client = await RawClient.open(w.port)
    client.send(consume(w.name, 'c'))
    await expect(client, consumeOk, ...delivered)
    client.send(globalQos(2), ack(80, 1, multiple))
    await expect(client, qosOk)
    for (let i = 0; i < 3; i++) ch.sendToQueue(w.name, Buffer.from('hi'))
    await expect(client, ...delivered, ...delivered)
    assert.equal(await client.next(200), 'silence')
    client.send(ack(80, 3, multiple))
    await expect(client, ...delivered)
    await client.close()
  },

  'a global prefetch twice leaves one consumer': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    const client = await RawClient.open(w.port)
    client.send(consume(w.name, 'c'), globalQos(5), globalQos(6))
    await expect(client, consumeOk, qosOk, qosOk)
    client.send(globalQos(7), globalQos(8))
    await expect(client, qosOk, qosOk)
    assert.equal((await ch.checkQueue(w.name)).consumerCount, 1)
    client.send(cancel('c'))
    await expect(client, cancelOk)
    assert.equal((await ch.checkQueue(w.name)).consumerCount, 0)
    await client.close()
  },

  'what a channel held before a global prefetch goes back when it is closed': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await fill(ch, w.name, 1)
    const client = await RawClient.open(w.port)
    client.send(consume(w.name, 'c'))
    await expect(client, consumeOk, ...delivered)
    client.send(globalQos(5))
    await expect(client, qosOk)
    client.send(closeChannel)
    await expect(client, '20.41 on 1')
    await holds(ch, w.name, 1)
    await client.close()
  },

  'a single active consumer keeps its turn': async (w) => {
    const [first, second] = [await w.channel(), await w.channel()]
    await first.assertQueue(w.name, { arguments: { 'x-single-active-consumer': true } })
    const a = await Inbox.open(first, w.name)
    const b = await Inbox.open(second, w.name)
    await first.prefetch(5, true)
    await pause(50)
    first.sendToQueue(w.name, Buffer.from('hi'))
    await a.take(1)
    assert.equal(b.messages.length, 0)
  },

  'a lower limit takes back what was granted': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    await ch.prefetch(100, true)
    const inbox = await Inbox.open(ch, w.name)
    await ch.prefetch(2, true)
    for (let i = 0; i < 5; i++) ch.sendToQueue(w.name, Buffer.from('hi'))
    await inbox.stays(2)
    await ch.prefetch(0, true)
    await inbox.take(5)
  },

  'what ends with its last consumer or binding is there again when it is declared again': async (w) => {
    const client = await RawClient.open(w.port)
    const declare = declareQueue(w.name, durable | autoDelete)
    client.send(declare, consume(w.name, 'c'))
    await expect(client, declareOk, consumeOk)
    client.send(method(1, 60, 30, shortstr('c'), bits(nowait)), declare)
    await expect(client, declareOk)
    client.send(consume(w.name, 'd'))
    await expect(client, consumeOk)
    const name = shortstr(w.name)
    const exchange = method(1, 40, 10, ticket, name, shortstr('direct'), bits(durable | autoDeleteExchange), table())
    const bind = method(1, 50, 20, ticket, name, name, shortstr(''), bits(0), table())
    const unbind = method(1, 50, 50, ticket, name, name, shortstr(''), table())
    client.send(exchange, bind)
    await expect(client, exchangeOk, bindOk)
    client.send(unbind, exchange)
    await expect(client, unbindOk, exchangeOk)
    client.send(bind)
    await expect(client, bindOk)
    const other = await RawClient.open(w.port)
    client.send(closeChannel)
    await expect(client, '20.41 on 1')
    other.send(declareQueue(w.name, durable), consume(w.name))
    await expect(other, declareOk, consumeOk)
    await Promise.all([client.close(), other.close()])
  },

  'an exclusive consumer makes room for the next one, and for the end of the queue': async (w) => {
    const ch = await w.channel()
    await ch.assertQueue(w.name)
    const client = await RawClient.open(w.port)
    client.send(consume(w.name, 'c', exclusive))
    await expect(client, consumeOk)
    client.send(cancel('c'), consume(w.name, 'd', exclusive))
    await expect(client, cancelOk, consumeOk)
    const ifUnused = method(1, 50, 40, ticket, shortstr(w.name), bits(1))
    client.send(cancel('d'), ifUnused)
    await expect(client, cancelOk, deleteOk)
    await client.close()
  },
})
