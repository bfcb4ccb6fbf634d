import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startTestBroker, toolchain } from '../../support/index.ts'

const python = await toolchain.python()
const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'paho_round_trip.py')

for (const [version, transport] of [
  [3, 'tcp'],
  [4, 'tcp'],
  [5, 'tcp'],
  [4, 'websockets'],
  [5, 'websockets'],
] as const) {
  test(`paho-mqtt, MQTT ${version} over ${transport}`, { skip: python.missing }, async (t) => {
    const broker = await startTestBroker(t)
    const port = broker.port(transport === 'tcp' ? 'mqtt' : 'mqtt-ws')
    const { stdout } = await python.run([script, '127.0.0.1', String(port), String(version), transport])
    assert.match(stdout, /all good/)
  })
}
