import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startTestBroker, toolchain } from '../../support/index.ts'

const [python, java] = await Promise.all([toolchain.python(), toolchain.java()])
const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const slow = { timeoutMs: 90_000 }

test('pika: topology, confirms, returns, prefetch, heartbeats, errors', { skip: python.missing }, async (t) => {
  const broker = await startTestBroker(t)
  const { stdout } = await python.run([program('roundtrip.py'), broker.address('amqp')], slow)
  assert.match(stdout, /^all well$/m)
})

test(
  'the Java client: confirms, topology, RPC, cancel notices, properties, transactions',
  { skip: java.missing },
  async (t) => {
    const broker = await startTestBroker(t)
    const { stdout } = await java.run([program('RoundTrip.java'), broker.address('amqp')], slow)
    assert.match(stdout, /^all well$/m)
  },
)
