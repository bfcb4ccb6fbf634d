import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { root, run, spawnTestBroker, startTestBroker, temporaryFolder } from '../support/index.ts'

const main = path.join(root, 'src/cli/main.ts')
const dragoman = (...args: string[]) => run(process.execPath, [main, ...args], { allowFailure: true })

/** A data folder with some records in it, closed in order. */
async function filledFolder(t: TestContext): Promise<string> {
  const data = temporaryFolder(t)
  const broker = await startTestBroker(t, { data })
  const kafka = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  for (let count = 0; count < 20; count++) {
    await producer.send({ topic: 'kept', messages: [{ value: `NEEDLE-${count}-`.repeat(200) }] })
  }
  await producer.disconnect()
  await broker.stop()
  return data
}

test('a folder that was closed in order is as it was written', async (t) => {
  const data = await filledFolder(t)
  const { code, stdout } = await dragoman('check', '--data', data)
  assert.equal(code, 0, stdout)
  assert.match(stdout, /all is as it was written/)
  const report = JSON.parse((await dragoman('check', '--data', data, '--json')).stdout) as { findings: unknown[] }
  assert.deepEqual(report.findings, [])
})

test('damage is reported with file and position, refused at the start, and repaired only when told to', async (t) => {
  const data = await filledFolder(t)
  const slot = path.join(data, 'journal/slot-000')
  const bytes = readFileSync(slot)
  const at = bytes.indexOf('NEEDLE-7-')
  assert.ok(at > 0, 'the record is in the first slot')
  bytes[at + 3]! ^= 0xff
  writeFileSync(slot, bytes)

  const checked = await dragoman('check', '--data', data)
  assert.equal(checked.code, 1, checked.stdout)
  assert.match(checked.stdout, /journal\/slot-000 at \d+/)
  assert.match(checked.stdout, /kept, partition 0: offsets 7 to 7 are lost/, 'by name')

  const started = await dragoman('serve', '--data', data, '--listen', 'http=127.0.0.1:0')
  assert.equal(started.code, 1, started.stdout + started.stderr)
  assert.match(started.stderr, /dragoman check --data/)

  const asked = await dragoman('repair', '--data', data)
  assert.equal(asked.code, 1)
  assert.match(asked.stdout, /nothing was changed/)
  assert.ok(readFileSync(slot).equals(bytes))

  const repaired = await dragoman('repair', '--data', data, '--yes')
  assert.equal(repaired.code, 0, repaired.stdout)
  const broker = await spawnTestBroker(t, { data })
  const kafka = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  t.after(() => admin.disconnect())
  assert.deepEqual(await admin.listTopics(), ['kept'])
})

test('a folder that is none of a broker is not called whole', async (t) => {
  const data = temporaryFolder(t)
  for (const args of [['check'], ['repair', '--yes'], ['backup', '-']]) {
    const { code, stdout, stderr } = await dragoman(...args, '--data', data)
    assert.deepEqual([code, stdout, stderr], [2, '', `${data}: there are no data of a broker in it\n`])
  }
})

test('a folder in use is left alone', async (t) => {
  const broker = await spawnTestBroker(t)
  const { code, stderr } = await dragoman('check', '--data', broker.data)
  assert.equal(code, 1)
  assert.match(stderr, /in use by process \d+/)
})
