import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatEndpoint, fromEnvironment, merge, parseEndpoint, put, readSettings, type Known } from './index.ts'

const known: Known = {
  listeners: { line: 7000, http: 8090 },
  protocols: { line: { greeting: { kind: 'text', default: 'hello', help: 'the first line' } } },
}

const detailOf = (raw: Record<string, unknown>): string => {
  const outcome = readSettings(raw, known)
  return 'error' in outcome ? outcome.detail : 'valid'
}

test('an empty configuration is the default one', () => {
  const outcome = readSettings({}, known)
  assert.ok('ok' in outcome)
  assert.deepEqual(outcome.ok.listen.line, { host: '127.0.0.1', port: 7000 })
  assert.equal(outcome.ok.durability, 'fsync')
  assert.equal(outcome.ok.protocols.line?.greeting, 'hello')
})

test('messages name the key and say what would do', () => {
  assert.equal(
    detailOf({ limits: { connectionMax: 5 } }),
    'limits.connectionMax: unknown key; did you mean connectionsMax?',
  )
  assert.match(detailOf({ limits: { connectionsMax: 0 } }), /^limits\.connectionsMax: 0 is not between 1 and /)
  assert.match(detailOf({ durability: 'maybe' }), /^durability: "maybe" is not one of fsync, os$/)
  assert.match(detailOf({ listen: { kafak: 1 } }), /^listen\.kafak: no such listener; there are line, http$/)
  assert.match(
    detailOf({ listen: { line: 'a b' } }),
    /^listen\.line: "a b" is not HOST:PORT; for example 127\.0\.0\.1:7000/,
  )
  assert.match(detailOf({ protocols: { line: { greeting: 3 } } }), /^protocols\.line\.greeting: 3 is not text$/)
  assert.match(detailOf({ limits: 3 }), /^limits: must be a mapping/)
})

test('sizes and times are read with their units', () => {
  const outcome = readSettings({ storage: { cacheBytes: '64 MiB' }, limits: { stopMs: '2s' } }, known)
  assert.ok('ok' in outcome)
  assert.equal(outcome.ok.storage.cacheBytes, 64 * 1024 * 1024)
  assert.equal(outcome.ok.limits.stopMs, 2000)
  assert.match(detailOf({ storage: { cacheBytes: '64 apples' } }), /^storage\.cacheBytes: "64 apples" is not a size/)
})

test('the environment names every key, and a wrong name is an error', () => {
  const outcome = fromEnvironment(
    { DRAGOMAN_LIMITS_CONNECTIONS_MAX: '7', DRAGOMAN_LISTEN_LINE: 'off', PATH: 'x' },
    known,
  )
  assert.deepEqual(outcome, { ok: { limits: { connectionsMax: '7' }, listen: { line: 'off' } } })
  assert.ok('error' in fromEnvironment({ DRAGOMAN_LIMIT: '7' }, known))
})

test('what Kubernetes tells of a service of that name is no setting', () => {
  const told = {
    DRAGOMAN_SERVICE_HOST: '10.0.0.1',
    DRAGOMAN_SERVICE_PORT: '9092',
    DRAGOMAN_SERVICE_PORT_KAFKA: '9092',
    DRAGOMAN_PORT: 'tcp://10.0.0.1:9092',
    DRAGOMAN_PORT_9092_TCP: 'tcp://10.0.0.1:9092',
    DRAGOMAN_PORT_9092_TCP_PROTO: 'tcp',
    DRAGOMAN_PORT_9092_TCP_PORT: '9092',
    DRAGOMAN_PORT_9092_TCP_ADDR: '10.0.0.1',
    DRAGOMAN_HEADLESS_SERVICE_HOST: '10.0.0.2',
    DRAGOMAN_HEADLESS_PORT: 'tcp://10.0.0.2:9092',
  }
  assert.deepEqual(fromEnvironment(told, known), { ok: {} })
  for (const name of ['DRAGOMAN_PORT', 'DRAGOMAN_LISTEN_PORT']) {
    assert.ok('error' in fromEnvironment({ [name]: '9092' }, known), name)
  }
})

test('what comes later wins, key by key', () => {
  assert.deepEqual(merge({ a: { b: 1, c: 2 }, d: 3 }, { a: { c: 4 } }), { a: { b: 1, c: 4 }, d: 3 })
})

test('endpoints', () => {
  assert.deepEqual(parseEndpoint('[::1]:80', 1), { host: '::1', port: 80 })
  assert.deepEqual(parseEndpoint('localhost', 1), { host: 'localhost', port: 1 })
  assert.deepEqual(parseEndpoint(':80', 1), { host: '127.0.0.1', port: 80 })
  assert.deepEqual(parseEndpoint(0, 1), { host: '127.0.0.1', port: 0 })
  assert.equal(parseEndpoint('a:b', 1), undefined)
  assert.equal(parseEndpoint('1.2.3.4:99999', 1), undefined)
  assert.equal(formatEndpoint({ host: '::1', port: 80 }), '[::1]:80')
})

test('names that every object has are no settings', () => {
  for (const raw of [{ constructor: 1 }, { limits: { toString: 1 } }, { listen: { valueOf: 1 } }]) {
    assert.ok('error' in readSettings(raw, known), JSON.stringify(raw))
  }
})

test('a path of keys from outside makes plain keys, whatever they are called', () => {
  const raw: Record<string, unknown> = {}
  put(raw, ['__proto__', 'polluted'], '1')
  assert.ok(!('polluted' in {}))
  assert.ok('error' in readSettings(merge(raw, {}), known), 'it is an unknown key')
  const text: Record<string, unknown> = { data: 'x' }
  put(text, ['data', 'y'], '1')
  assert.deepEqual(text, { data: { y: '1' } })
})
