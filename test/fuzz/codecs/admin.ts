import assert from 'node:assert/strict'
import { adminHandler } from '../../../src/admin/index.ts'
import { pick } from '../mutate.ts'
import type { Codec } from '../codec.ts'
import { SessionWorld } from '../session-world.ts'

const seeds = [
  'GET /healthz\n',
  'GET /api/topics?match=a.%23\n',
  'GET /api/queues?namespace=other\n',
  'GET /api/subscriptions\n',
  'GET /api/dlq?queue=dead&limit=10\n',
  'POST /api/publish\n{"address":"orders.eu","key":"k","value":"aGk=","encoding":"base64","headers":{"a":"b"},"contentType":"a/b"}',
  'POST /api/publish?namespace=default\n{"log":"orders","value":"\\u00e9"}',
  'POST /api/dlq/redrive\n{"queue":"dead","limit":5}',
  'GET /api/tail?pattern=orders.%2A\n',
].map((text) => Buffer.from(text))

/** A line with method, path and query, then the body: to the handler of the HTTP API over the core in memory. */
const admin: Codec = {
  name: 'admin-request',
  seeds,
  // A world of its own for each input.
  memory: { free: Infinity, perByte: 0 },
  oneOf: 20,
  changed(random) {
    // Names and values exchanged, the JSON whole.
    const text = pick(random, ['', 'a', '#', 'a..b', '.', '\u{d800}', '__proto__', 'x'.repeat(300), 'a.'.repeat(200)])
    const fields = ['address', 'log', 'key', 'value', 'encoding', 'headers', 'contentType', 'queue', 'limit']
    const value = (): unknown => pick(random, [text, 'orders', 7, -1, null, true, [], {}, { [text]: 'v' }, { a: 1 }])
    const body = Object.fromEntries(fields.filter(() => random.once(3)).map((field) => [field, value()]))
    const query = random.once(2)
      ? `?${pick(random, ['namespace', 'queue', 'match', 'limit'])}=${encodeURIComponent('é#')}`
      : ''
    return Buffer.from(`POST /api/${pick(random, ['publish', 'dlq/redrive'])}${query}\n${JSON.stringify(body)}`)
  },
  async take(input, random) {
    const world = await SessionWorld.open(random)
    const end = input.includes('\n') ? input.indexOf('\n') : input.length
    const [method = '', target = ''] = input.toString('latin1', 0, end).split(' ')
    const [path = '', query = ''] = target.split('?')
    // They read no more of a request than its path, and there is no storage here to tell of.
    if (path === '/metrics' || path === '/api/status') return false
    const handle = adminHandler(world.adminOptions())
    const headers = { 'content-type': 'application/json' }
    const request = { method, path, query: new URLSearchParams(query), headers, body: input.subarray(end + 1) }
    const reply = await world.time.until(Promise.resolve(handle(request)))
    if (typeof reply.body === 'function') {
      reply.body({ write: () => true, close: () => undefined, onClosed: (run) => world.time.after(10, run) })
    }
    await world.time.advance(100)
    assert.ok(reply.status >= 200 && reply.status < 600 && reply.status !== 500, String(reply.status))
    await world.assertWell('mqtt')
    await world.close()
    return reply.status === 200
  },
}

export const adminCodecs: readonly Codec[] = [admin]
