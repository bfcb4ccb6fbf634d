import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeProperties } from '../../core/index.ts'
import type { Properties as Message } from '../../core/index.ts'
import { BatchBuilder, RecordTable } from '../../log/index.ts'
import { outgoing, recordParts } from './mapping.ts'
import type { Properties, Qos } from './wire/index.ts'

function through(properties: Properties, qos: Qos, retain: boolean) {
  const { key, envelope } = recordParts(properties, qos, retain)
  const builder = new BatchBuilder()
  builder.add(0, key, Buffer.from('x'), envelope)
  return outgoing(new RecordTable(builder.finish()), 0, true)
}

const text = fc.string({ unit: 'grapheme', maxLength: 10 }).filter((t) => !t.includes('\0'))
const bytes = fc.uint8Array({ maxLength: 10 }).map((b) => Buffer.from(b))
const name = fc.oneof(text, fc.constantFrom('x-key', 'type', 'priority', 'message-id', 'app-id', 'constructor'))

test('what MQTT publishes, MQTT receives: nothing is lost and nothing is made up', () => {
  const properties = fc.record<Properties>(
    {
      payloadFormatIndicator: fc.constantFrom(0, 1),
      messageExpiryInterval: fc.integer({ min: 0, max: 0xffff_ffff }),
      contentType: text,
      responseTopic: fc.constantFrom('a/b', '$log/jobs', 'é//x'),
      correlationData: bytes,
      userProperties: fc.array(fc.tuple(name, text), { minLength: 1, maxLength: 5 }),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  fc.assert(
    fc.property(properties, fc.constantFrom(0, 1, 2), fc.boolean(), (p, qos, retain) => {
      const out = through(p, qos, retain)
      assert.deepEqual([out.qos, out.retain, out.expirySeconds], [qos, retain, p.messageExpiryInterval])
      const { userProperties = [], ...rest } = p
      delete rest.messageExpiryInterval
      const { userProperties: pairs = [], ...got } = out.properties
      assert.deepEqual(got, rest)
      assert.deepEqual(pairs, userProperties, 'in order: MQTT-3.3.2-18')
    }),
  )
})

test('places that fit nothing lose nothing', () => {
  const headers = [{ name: 'a', value: { type: 'utf8' as const, value: '1' } }]
  for (const places of [[], [0], [7], [0, 1], [0, 0]]) {
    const { userProperties } = rendered({ type: 'x', headers, places })
    assert.deepEqual([...userProperties!].sort(), [
      ['a', '1'],
      ['type', 'x'],
    ])
  }
})

function rendered(message: Message, key: Buffer | null = null): Properties {
  const builder = new BatchBuilder()
  builder.add(0, key, Buffer.from('x'), encodeProperties(message))
  return outgoing(new RecordTable(builder.finish()), 0, true).properties
}

test('properties that MQTT lacks are user properties; typed headers are text; bytes that are not UTF-8 are lost', () => {
  const properties = rendered(
    {
      messageId: 'm1',
      priority: 9,
      app: 'shop',
      headers: [
        { name: 'n', value: { type: 'i32', value: -5 } },
        { name: 'b', value: { type: 'bytes', value: Buffer.from('text') } },
        { name: 'bad', value: { type: 'bytes', value: Buffer.from([0xff]) } },
        { name: 'nul', value: { type: 'utf8', value: 'a\0b' } },
        { name: 'l', value: { type: 'list', value: [{ type: 'bool', value: true }, { type: 'null' }] } },
      ],
      replyTo: { kind: 'log', name: ['jobs', 'eu'] },
    },
    Buffer.from('k'),
  )
  assert.equal(properties.responseTopic, '$log/jobs.eu')
  assert.deepEqual(properties.userProperties, [
    ['x-key', 'k'],
    ['message-id', 'm1'],
    ['app-id', 'shop'],
    ['priority', '9'],
    ['n', '-5'],
    ['b', 'text'],
    ['l', '[true,null]'],
  ])
})

test('a record without an envelope, of another protocol, counts as QoS 2', () => {
  const builder = new BatchBuilder()
  builder.add(0, null, Buffer.from('x'))
  const { qos, retain, properties } = outgoing(new RecordTable(builder.finish()), 0, false)
  assert.deepEqual([qos, retain, properties], [2, false, {}])
})
