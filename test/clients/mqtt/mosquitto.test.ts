import assert from 'node:assert/strict'
import { test } from 'node:test'
import { start, startTestBroker, toolchain } from '../../support/index.ts'
import type { Running } from '../../support/index.ts'
import type { Broker } from '../../../src/index.ts'
import { raw } from './support.ts'

const pub = await toolchain.command('mosquitto_pub')
const sub = await toolchain.command('mosquitto_sub')
const skip = pub.missing || sub.missing

/** It says `Subscribed` only when its buffer is full, unless it is made to say so line by line. */
const listen = (args: string[]): Running => start('stdbuf', ['-oL', 'mosquitto_sub', ...args, '-d'])

const at = (broker: Broker): string[] => ['-h', '127.0.0.1', '-p', String(broker.port('mqtt'))]

for (const version of ['mqttv31', 'mqttv311', 'mqttv5']) {
  test(`mosquitto_pub and mosquitto_sub, ${version}: every QoS, retained, wildcards`, { skip }, async (t) => {
    const broker = await startTestBroker(t)
    const common = [...at(broker), '-V', version]
    const listening = listen([...common, '-t', 'm/#', '-q', '2', '-C', '4', '-W', '15', '-v'])
    t.after(() => listening.stop())
    await listening.waitFor(/Subscribed/)
    for (const qos of ['0', '1', '2']) await pub.run([...common, '-t', `m/${qos}`, '-m', `body ${qos}`, '-q', qos])
    await pub.run([...common, '-t', 'm/kept', '-m', 'retained', '-q', '1', '-r'])
    const { stdout, code } = await listening.ended
    assert.equal(code, 0)
    for (const line of ['m/0 body 0', 'm/1 body 1', 'm/2 body 2', 'm/kept retained'])
      assert.ok(stdout.includes(line), line)
    const late = await sub.run([...common, '-t', '+/kept', '-C', '1', '-W', '10', '-F', '%r %p'])
    assert.equal(late.stdout.trim(), '1 retained')
    await pub.run([...common, '-t', 'm/kept', '-r', '-n'])
    const none = await sub.run([...common, '-t', '+/kept', '-C', '1', '-W', '1'], { allowFailure: true })
    assert.equal(none.stdout, '')
  })
}

test('mosquitto_sub away, with a session: 500 messages wait for it, from one mosquitto_pub -l', { skip }, async (t) => {
  const broker = await startTestBroker(t)
  const session = [...at(broker), '-V', 'mqttv311', '-i', 'away', '-c', '-q', '1', '-t', 'lines']
  await sub.run([...session, '-E'])
  const lines = Array.from({ length: 500 }, (_, i) => `line ${i}`)
  await pub.run([...at(broker), '-t', 'lines', '-q', '1', '-l'], { input: lines.join('\n') + '\n' })
  const { stdout } = await sub.run([...session, '-C', '500', '-W', '20'])
  assert.deepEqual(stdout.trim().split('\n'), lines)
})

test(
  'mosquitto_pub with a session, killed before PUBREL, begins with the same identifier: its next message is there',
  { skip },
  async (t) => {
    const broker = await startTestBroker(t)
    const listening = listen([...at(broker), '-t', 'meter', '-q', '2', '-C', '2', '-W', '15'])
    t.after(() => listening.stop())
    await listening.waitFor(/Subscribed/)
    const killed = await raw(t, broker, 4)
    await killed.connect('meter', { clean: false })
    killed.send({ cmd: 'publish', topic: 'meter', payload: 'A', qos: 2, messageId: 1, dup: false, retain: false })
    await killed.next('pubrec')
    killed.drop()
    await pub.run([...at(broker), '-V', 'mqttv311', '-c', '-i', 'meter', '-t', 'meter', '-q', '2', '-m', 'B'])
    const { stdout } = await listening.ended
    assert.deepEqual(
      stdout.split('\n').filter((line) => /^[AB]$/.test(line)),
      ['A', 'B'],
    )
  },
)

test('mosquitto_pub with MQTT 5 properties, mosquitto_sub prints them', { skip }, async (t) => {
  const broker = await startTestBroker(t)
  const common = [...at(broker), '-V', 'mqttv5']
  const listening = listen([...common, '-t', 'p', '-C', '1', '-W', '15', '-F', '%j'])
  t.after(() => listening.stop())
  await listening.waitFor(/Subscribed/)
  const property = (...words: string[]): string[] => ['-D', 'publish', ...words]
  await pub.run([
    ...common,
    ...['-t', 'p', '-m', 'body', '-q', '1'],
    ...property('content-type', 'text/plain'),
    ...property('user-property', 'a', 'b'),
    ...property('response-topic', 'answer'),
  ])
  const { stdout } = await listening.ended
  const message = JSON.parse(/^\{.*\}$/m.exec(stdout)![0]) as { properties: Record<string, unknown> }
  assert.equal(message.properties['content-type'], 'text/plain')
  assert.equal(message.properties['response-topic'], 'answer')
  assert.deepEqual(message.properties['user-properties'], { a: 'b' })
})
