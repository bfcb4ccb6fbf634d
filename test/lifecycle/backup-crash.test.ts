import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { eventually, root, run, spawnTestBroker, start, temporaryFolder } from '../support/index.ts'
import type { RunResult, SpawnedBroker } from '../support/index.ts'

const main = path.join(root, 'src/cli/main.ts')

const dragoman = (args: string[], input?: Buffer): Promise<RunResult> =>
  run(process.execPath, [main, ...args], {
    allowFailure: true,
    timeoutMs: 120_000,
    ...(input === undefined ? {} : { input }),
  })

/** A broker whose backup does not fit into the buffers between it and whoever takes it. */
async function brokerWith(t: TestContext, records: number): Promise<SpawnedBroker> {
  const broker = await spawnTestBroker(t)
  const producer = new Kafka({ brokers: [broker.address('kafka')], logLevel: logLevel.NOTHING }).producer()
  await producer.connect()
  const value = Buffer.alloc(900_000, 'v')
  for (let n = 0; n < records; n++) await producer.send({ topic: 'large', messages: [{ value }] })
  await producer.disconnect()
  return broker
}

const broken = /the broker broke the backup off/

test('kill -9 of the broker in the middle of a backup: a sentence, no file, and half an archive is none', async (t) => {
  const folder = temporaryFolder(t)
  const broker = await brokerWith(t, 40)
  const env = { ...process.env, DRAGOMAN_URL: `http://${broker.address('http')}` }

  const toFile = start(process.execPath, [main, 'backup', path.join(folder, 'a.tar')], { env, timeoutMs: 120_000 })
  t.after(() => toFile.stop('SIGKILL'))
  const partial = (): string | undefined => readdirSync(folder).find((name) => name.endsWith('.partial'))
  // It is stopped where it is, as soon as it has something; nobody reads what the other one writes.
  await eventually(() => partial() !== undefined && statSync(path.join(folder, partial()!)).size > 0, 'it begins')
  toFile.child.kill('SIGSTOP')
  const toPipe = spawn(process.execPath, [main, 'backup', '-'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => toPipe.kill('SIGKILL'))
  const metrics = async (): Promise<string> => (await fetch(`http://${broker.address('http')}/metrics`)).text()
  await eventually(async () => (await metrics()).includes('\ndragoman_backups 2\n'), 'both are under way', 60_000)
  // Set up before: of a process that has ended, what nobody reads is thrown away.
  const half: Buffer[] = []
  let said = ''
  toPipe.stdout.on('data', (chunk: Buffer) => half.push(chunk))
  toPipe.stderr.on('data', (chunk: Buffer) => (said += String(chunk)))
  const closed = once(toPipe, 'close')
  await broker.kill()
  toFile.child.kill('SIGCONT')

  const file = await toFile.ended
  assert.equal(file.code, 1, file.stderr)
  assert.match(file.stderr, broken)
  assert.equal(file.stderr.trim().split('\n').length, 1, file.stderr)
  assert.deepEqual(readdirSync(folder), [], 'nothing of it stays')

  const [code] = (await closed) as [number]
  assert.equal(code, 1, said)
  assert.match(said, broken)
  const data = path.join(folder, 'new')
  const restored = await dragoman(['restore', '-', '--data', data], Buffer.concat(half))
  assert.equal(restored.code, 1)
  assert.match(restored.stderr, /cut short|should follow/)
  assert.ok(!existsSync(data))

  const checked = await dragoman(['check', '--data', broker.data])
  assert.equal(checked.code, 0, checked.stdout)
})

test('what a killed restore leaves is no data folder: each command says so, and another folder takes the backup', async (t) => {
  const folder = temporaryFolder(t)
  const broker = await brokerWith(t, 3)
  const archive = path.join(folder, 'a.tar')
  await broker.process.stop()
  assert.equal((await dragoman(['backup', archive, '--data', broker.data])).code, 0)

  const data = path.join(folder, 'half')
  const restoring = start(process.execPath, [main, 'restore', '-', '--data', data])
  t.after(() => restoring.stop('SIGKILL'))
  await eventually(() => existsSync(path.join(data, 'restore.partial')), 'it begins', 60_000)
  await restoring.stop('SIGKILL')
  // As good as done, but for the last name: nobody knows that.
  const almost = path.join(folder, 'almost')
  assert.equal((await dragoman(['restore', archive, '--data', almost])).code, 0)
  mkdirSync(path.join(almost, 'restore.partial'))

  for (const each of [data, almost]) {
    for (const command of ['serve', 'check', 'repair', 'backup']) {
      const target = command === 'backup' ? [path.join(folder, 'b.tar')] : []
      const flags = command === 'serve' ? ['--listen', 'http=127.0.0.1:0'] : []
      const { code, stderr } = await dragoman([command, ...target, '--data', each, ...flags])
      assert.equal(code, 1, `${command}: ${stderr}`)
      assert.match(stderr, /a restore into this data folder was not finished: remove the folder/, command)
    }
    const again = await dragoman(['restore', archive, '--data', each])
    assert.equal(again.code, 1)
    assert.match(again.stderr, /a restore into it was not finished; remove the folder first/)
  }
  assert.ok(!existsSync(path.join(folder, 'b.tar')))
  assert.equal((await dragoman(['restore', archive, '--data', path.join(folder, 'other')])).code, 0)
})
