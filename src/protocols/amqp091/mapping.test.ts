import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeProperties, encodeProperties, levelOf, type Properties } from '../../core/index.ts'
import { decodeName, destinationName, destinationOf, encodeName, topicPattern } from './names.ts'
import { fromProperties, toProperties } from './properties.ts'
import type { BasicProperties } from './wire/index.ts'

const binary = fc.uint8Array({ maxLength: 60 }).map((bytes) => levelOf(bytes))
const dotted = fc.stringMatching(/^[a%2E.*#]{0,12}$/)

test('every name comes back as it was, and no two names mean the same', () => {
  const seen = new Map<string, string>()
  fc.assert(
    fc.property(fc.oneof(binary, dotted), (name) => {
      const levels = decodeName(name)
      assert.equal(encodeName(levels), name)
      const key = JSON.stringify(levels)
      assert.equal(seen.get(key) ?? name, name)
      seen.set(key, name)
    }),
  )
})

test('a dot inside a level of another protocol survives, and words of a topic pattern are levels', () => {
  assert.equal(encodeName(['a.b', 'c']), 'a%2Eb.c')
  assert.deepEqual(decodeName('a%2Eb.c'), ['a.b', 'c'])
  assert.deepEqual(decodeName(''), [])
  assert.deepEqual(topicPattern('*.b#.#.'), [{ any: 'one' }, 'b#', { any: 'rest' }, ''])
})

test('reply-to: a queue by its name, an address behind its prefix, direct replies as they are', () => {
  for (const name of ['jobs', 'a.b', '$address.resp.client 1', 'amq.rabbitmq.reply-to.abc']) {
    assert.equal(destinationName(destinationOf(name)), name)
  }
  assert.deepEqual(destinationOf('$address.resp.c1'), { kind: 'address', name: ['resp', 'c1'] })
  assert.equal(destinationOf('amq.rabbitmq.reply-to.abc').kind, 'address')
})

const through = (p: BasicProperties): BasicProperties => {
  const { properties, key } = toProperties(p)
  return fromProperties(decodeProperties(encodeProperties(properties)), key)
}

test('all properties of a message come back as they were published', () => {
  const all: BasicProperties = {
    contentType: 'text/plain',
    contentEncoding: 'gzip',
    headers: [
      { name: 'n', value: { type: 'i16', value: -3 } },
      { name: 'n', value: { type: 'list', value: [{ type: 'null' }, { type: 'f32', value: 0.5 }] } },
      { name: 'x-key', value: { type: 'utf8', value: 'k1' } },
    ],
    deliveryMode: 2,
    priority: 9,
    correlationId: '\xff\x00c',
    replyTo: 'answers',
    expiration: '60000',
    messageId: 'm-1',
    timestamp: 1_700_000_000n,
    type: 'order',
    userId: 'guest',
    appId: 'app',
    clusterId: 'c',
  }
  assert.deepEqual(through(all), all)
  assert.deepEqual(through({}), {})
  assert.deepEqual(through({ headers: [] }), { headers: [] })
  assert.deepEqual(through({ timestamp: 2n ** 63n }).timestamp, 2n ** 63n)
})

test('BCC does not reach consumers, CC does', () => {
  const list = { type: 'list', value: [{ type: 'utf8', value: 'q' }] } as const
  const headers = [
    { name: 'CC', value: { ...list, value: [...list.value] } },
    { name: 'BCC', value: { ...list, value: [...list.value] } },
  ]
  assert.deepEqual(
    through({ headers }).headers?.map((h) => h.name),
    ['CC'],
  )
})

test('what is too long for a short string arrives as a header', () => {
  const long: Properties = { contentType: 'x'.repeat(300), correlationId: Buffer.alloc(256, 1) }
  const p = fromProperties(long, null)
  assert.equal(p.contentType, undefined)
  assert.equal(p.correlationId, undefined)
  assert.deepEqual(
    p.headers?.map((h) => h.name),
    ['x-contentType', 'x-correlationId'],
  )
})
