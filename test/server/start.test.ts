import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { root, start } from '../support/index.ts'

const free = ['kafka', 'amqp', 'mqtt', 'mqtt-ws', 'http'].flatMap((name) => ['--listen', `${name}=127.0.0.1:0`])

test('npm start passes flags on, and a signal to npm ends the broker', { timeout: 300_000 }, async (t) => {
  const npm = start('npm', ['start', '--', '--memory', ...free], { cwd: root, timeoutMs: 280_000 })
  t.after(() => npm.stop('SIGTERM'))
  const [, port] = await npm.waitFor(/^listening http 127\.0\.0\.1:(\d+)$/m, 240_000)
  await npm.waitFor(/ready in \d+ ms/)
  npm.child.kill('SIGTERM')
  // Closed when the last process that could write to it has ended.
  await npm.ended
  assert.match(npm.stderr, /stopped/)
  const socket = connect(Number(port), '127.0.0.1')
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'ECONNREFUSED')
})

test('npm start gives back the exit code of a broker that cannot start', { timeout: 300_000 }, async () => {
  const npm = start('npm', ['start', '--', '--listen', 'nonsense=1'], { cwd: root, timeoutMs: 280_000 })
  const { code, stderr } = await npm.ended
  assert.equal(code, 2)
  assert.match(stderr, /listen\.nonsense: no such listener/)
})
