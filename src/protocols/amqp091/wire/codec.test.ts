import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { MalformedError, Reader } from '../../../base/index.ts'
import type { Header, Value } from '../../../core/index.ts'
import {
  FrameCutter,
  FrameWriter,
  idOf,
  methods,
  nameOf,
  readArgs,
  readDeliveryTag,
  readProperties,
  readPublish,
  readTable,
  writeBody,
  writeConfirm,
  writeContentHeader,
  writeDeliver,
  writeGetOk,
  writeMethod,
  writeProperties,
  writeTable,
  type Args,
  type BasicProperties,
  type MethodName,
} from './index.ts'

const plain = { noNullPrototype: true }
const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((b) => Buffer.from(b))
const invalidUtf8OrNot = bytes(20)
const { value: valueOf } = fc.letrec<{ value: Value; table: Header[] }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant<Value>({ type: 'null' }),
    fc.boolean().map<Value>((value) => ({ type: 'bool', value })),
    fc.integer({ min: -128, max: 127 }).map<Value>((value) => ({ type: 'i8', value })),
    fc.nat(255).map<Value>((value) => ({ type: 'u8', value })),
    fc.integer({ min: -32768, max: 32767 }).map<Value>((value) => ({ type: 'i16', value })),
    fc.nat(65535).map<Value>((value) => ({ type: 'u16', value })),
    fc.integer().map<Value>((value) => ({ type: 'i32', value })),
    fc.nat(0xffff_ffff).map<Value>((value) => ({ type: 'u32', value })),
    i64.map<Value>((value) => ({ type: 'i64', value })),
    i64.map<Value>((value) => ({ type: 'seconds', value })),
    fc.float({ noNaN: true }).map<Value>((value) => ({ type: 'f32', value })),
    fc.double({ noNaN: true }).map<Value>((value) => ({ type: 'f64', value })),
    fc.record({ type: fc.constant('decimal' as const), scale: fc.nat(255), value: fc.integer() }, plain),
    fc.string().map<Value>((value) => ({ type: 'utf8', value })),
    invalidUtf8OrNot.map<Value>((value) => ({ type: 'bytes', value })),
    fc.array(tie('value'), { maxLength: 4 }).map<Value>((value) => ({ type: 'list', value })),
    tie('table').map<Value>((value) => ({ type: 'map', value })),
  ),
  table: fc.array(fc.record({ name: fc.string({ maxLength: 20 }), value: tie('value') }, plain), { maxLength: 4 }),
}))
const table = fc.array(fc.record({ name: fc.string({ maxLength: 20, unit: 'binary' }), value: valueOf }, plain), {
  maxLength: 5,
})

const payloadOf = (frame: Buffer): Reader => new Reader(frame, 7, frame.length - 1)

test('field tables keep order, repeats and every type', () => {
  fc.assert(
    fc.property(table, (headers) => {
      const w = new FrameWriter()
      writeTable(w, headers)
      assert.deepEqual(readTable(new Reader(w.take())), headers)
    }),
  )
})

test('short forms of other dialects are read: U as i16, L as i64; text that is not UTF-8 is read as bytes', () => {
  const w = new FrameWriter()
  w.bytes(
    Buffer.from([0, 0, 0, 24, 1, 97, 85, 0xff, 0xfe, 1, 98, 76, 0, 0, 0, 0, 0, 0, 0, 5, 1, 99, 83, 0, 0, 0, 1, 0xff]),
  )
  assert.deepEqual(readTable(new Reader(w.take())), [
    { name: 'a', value: { type: 'i16', value: -2 } },
    { name: 'b', value: { type: 'i64', value: 5n } },
    { name: 'c', value: { type: 'bytes', value: Buffer.from([0xff]) } },
  ])
})

test('tables with lying lengths or endless depth are refused', () => {
  assert.throws(() => readTable(new Reader(Buffer.from([0xff, 0xff, 0xff, 0xff]))), MalformedError)
  assert.throws(() => readTable(new Reader(Buffer.from([0, 0, 0, 2, 1, 97, 83, 0]))), MalformedError)
  let nested: Header[] = []
  for (let i = 0; i < 40; i++) nested = [{ name: 'n', value: { type: 'map', value: nested } }]
  const w = new FrameWriter()
  writeTable(w, nested)
  assert.throws(() => readTable(new Reader(w.take())), MalformedError)
})

const fieldValue = {
  bit: fc.boolean(),
  octet: fc.nat(255),
  short: fc.nat(65535),
  long: fc.nat(0xffff_ffff),
  longlong: fc.maxSafeNat(),
  shortstr: bytes(255).map((b) => b.toString('latin1')),
  longstr: bytes(300),
  table,
}

test('every method comes back as it was written', () => {
  for (const [key, facts] of Object.entries(methods)) {
    const name = key as MethodName
    const args = fc.record(
      Object.fromEntries(Object.entries(facts.fields).map(([field, type]) => [field, fieldValue[type]])),
    )
    fc.assert(
      fc.property(args, fc.nat(65535), (value, channel) => {
        const w = new FrameWriter()
        writeMethod(w, channel, name, value as Args<'queue.declare'> & Args<MethodName>)
        const r = payloadOf(w.take())
        assert.equal(nameOf(r.u32()), name)
        assert.deepEqual({ ...readArgs(name, r) }, { ...value })
        assert.equal(r.remaining, 0)
      }),
      { numRuns: 30 },
    )
  }
})

test('ids, names, order and types of all methods are those that a real client was generated from', () => {
  const require = createRequire(import.meta.url)
  interface Defined {
    id: number
    classId: number
    methodId: number
    name: string
    args: { type: string; name: string }[]
  }
  const defs = require(path.join(path.dirname(require.resolve('amqplib')), 'lib/defs.js')) as {
    info(id: number): Defined
  }
  const theirs: Record<string, string> = { nowait: 'noWait' }
  let compared = 0
  for (const [name, facts] of Object.entries(methods)) {
    // The client has no transactions.
    if (name.startsWith('tx.')) continue
    const info = defs.info(idOf(name as MethodName))
    assert.deepEqual([info.classId, info.methodId], facts.id, name)
    assert.equal(info.args.length, Object.keys(facts.fields).length, name)
    Object.entries(facts.fields).forEach(([field, type], i) => {
      assert.equal(info.args[i]!.type, type, `${name} ${field}`)
      const named = info.args[i]!.name.replace(/[- ](.)/g, (_, c: string) => c.toUpperCase())
      assert.equal(named.toLowerCase(), (theirs[field] ?? field).toLowerCase(), name)
    })
    compared++
  }
  assert.equal(compared, Object.keys(methods).length - 6)
})

test('the hand-written hot methods agree with the table', () => {
  const w = new FrameWriter()
  const args = { ticket: 0, exchange: 'logs', routingKey: 'a.\xe9', mandatory: true, immediate: false }
  writeMethod(w, 3, 'basic.publish', args)
  const frame = w.take()
  assert.deepEqual({ ticket: 0, ...readPublish(frame, 11, frame.length - 1) }, args)
  assert.throws(() => readPublish(frame, 11, 14), MalformedError)

  writeMethod(w, 3, 'basic.ack', { deliveryTag: 0x1_0000_0005, multiple: true })
  const ack = w.take()
  assert.equal(readDeliveryTag(ack, 11, ack.length - 1), 0x1_0000_0005)
  writeConfirm(w, 3, true, 0x1_0000_0005, true)
  assert.deepEqual(w.take(), ack)

  const sized = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
  const run = { channel: 9, consumerTag: sized('c'), redelivered: true, exchange: sized('x'), routingKey: sized('k') }
  writeMethod(w, 9, 'basic.deliver', {
    consumerTag: 'c',
    deliveryTag: 7,
    redelivered: true,
    exchange: 'x',
    routingKey: 'k',
  })
  const deliver = w.take()
  writeDeliver(w, run, 7)
  assert.deepEqual(w.take(), deliver)
  writeMethod(w, 9, 'basic.get-ok', {
    deliveryTag: 7,
    redelivered: true,
    exchange: 'x',
    routingKey: 'k',
    messageCount: 5,
  })
  const getOk = w.take()
  writeGetOk(w, run, 7, 5)
  assert.deepEqual(w.take(), getOk)
})

test('properties come back as they were written', () => {
  const text = fc.string({ maxLength: 60 })
  const binary = bytes(255).map((b) => b.toString('latin1'))
  const properties = fc.record<BasicProperties>(
    {
      contentType: text,
      contentEncoding: text,
      headers: table,
      deliveryMode: fc.nat(255),
      priority: fc.nat(255),
      correlationId: binary,
      replyTo: binary,
      expiration: text,
      messageId: text,
      timestamp: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      type: text,
      userId: text,
      appId: text,
      clusterId: text,
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  fc.assert(
    fc.property(properties, (p) => {
      const w = new FrameWriter()
      writeProperties(w, p)
      const encoded = Buffer.from(w.take())
      assert.deepEqual(readProperties(new Reader(encoded)), p)
      writeContentHeader(w, 4, 12, encoded)
      const r = payloadOf(w.take())
      assert.deepEqual([r.u16(), r.u16(), r.i64()], [60, 0, 12])
      assert.deepEqual(readProperties(r), p)
    }),
  )
})

test('any bytes read as properties, arguments or tables give a value or MalformedError', () => {
  const names = Object.keys(methods) as MethodName[]
  fc.assert(
    fc.property(bytes(80), fc.constantFrom(...names), (input, name) => {
      for (const read of [readProperties, readTable, (r: Reader) => readArgs(name, r)]) {
        try {
          read(new Reader(input))
        } catch (error) {
          assert.ok(error instanceof MalformedError)
        }
      }
    }),
    { numRuns: 2000 },
  )
})

test('bodies are cut at frame_max; empty ones have no frame; large parts are slices', () => {
  for (const size of [0, 1, 100, 4095, 4096, 8176, 8177, 300_000]) {
    for (const frameBytesMax of [4096, 8184, 131_072]) {
      const body = Buffer.alloc(size, size % 251)
      const w = new FrameWriter()
      const out: Uint8Array[] = []
      writeBody(w, 2, body, frameBytesMax, (part) => out.push(part))
      out.push(w.take())
      const parts: Buffer[] = []
      const cutter = new FrameCutter(frameBytesMax)
      for (const chunk of out) {
        const failure = cutter.push(Buffer.from(chunk), (type, channel, buffer, start, end) => {
          assert.deepEqual([type, channel], [3, 2])
          parts.push(Buffer.from(buffer.subarray(start, end)))
        })
        assert.equal(failure, null)
      }
      assert.ok(Buffer.concat(parts).equals(body))
      assert.equal(parts.length, Math.ceil(size / (frameBytesMax - 8)))
    }
  }
})
