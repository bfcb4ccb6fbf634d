import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { createServer as createHttpServer } from 'node:http'
import path from 'node:path'
import { once } from 'node:events'
import { test } from 'node:test'
import { eventually, root, run, spawnTestBroker, start, temporaryFolder } from '../support/index.ts'

const main = path.join(root, 'src/cli/main.ts')
const free = ['kafka', 'amqp', 'mqtt', 'mqtt-ws', 'http'].flatMap((name) => ['--listen', `${name}=127.0.0.1:0`])
const dragoman = (args: readonly string[], env: Record<string, string> = {}) =>
  run(process.execPath, [main, ...args], { cwd: root, env, allowFailure: true })

test('a line for each listener, then ready; SIGTERM ends it with 0', async (t) => {
  const broker = await spawnTestBroker(t)
  const lines = broker.process.stdout.trim().split('\n')
  assert.deepEqual(
    lines.slice(0, -1).map((line) => /^listening (\S+) 127\.0\.0\.1:\d+$/.exec(line)?.[1]),
    ['kafka', 'amqp', 'mqtt', 'mqtt-ws', 'http'],
  )
  assert.match(lines.at(-1) ?? '', /^ready in \d+ ms$/)
  const began = Date.now()
  const { code } = await broker.process.stop('SIGTERM')
  assert.equal(code, 0)
  assert.ok(Date.now() - began < 10_000)
})

test('with --log json the same as JSON lines', async (t) => {
  const running = start(process.execPath, [main, 'serve', '--memory', '--log', 'json', ...free], { cwd: root })
  t.after(() => running.stop('SIGKILL'))
  await running.waitFor(/ready in/)
  const lines = running.stdout.trim().split('\n')
  const parsed = lines.map(
    (line) => JSON.parse(line) as { message: string; protocol?: string; port?: number; readyMs?: number },
  )
  assert.deepEqual(
    parsed.flatMap((line) => line.protocol ?? []),
    ['kafka', 'amqp', 'mqtt', 'mqtt-ws', 'http'],
  )
  assert.equal(typeof parsed.at(-1)?.readyMs, 'number')
})

test('idle connections do not hold up the stop; a second signal ends it at once', async (t) => {
  const broker = await spawnTestBroker(t)
  const clients = ['kafka', 'amqp', 'mqtt'].map((name) => connect(broker.port(name), '127.0.0.1'))
  for (const client of clients) client.on('error', () => undefined)
  await Promise.all(clients.map((client) => once(client, 'connect')))
  broker.process.child.kill('SIGTERM')
  await new Promise((resolve) => setTimeout(resolve, 100))
  broker.process.child.kill('SIGTERM')
  const ended = await Promise.race([broker.process.ended, new Promise((resolve) => setTimeout(resolve, 1000))])
  assert.ok(ended !== undefined, 'it ended within a second of the second signal')
  for (const client of clients) client.destroy()
})

test('a busy port is an error with the name of the listener', async (t) => {
  const busy = createServer().listen(0, '127.0.0.1')
  t.after(() => busy.close())
  await once(busy, 'listening')
  const { port } = busy.address() as AddressInfo
  for (const name of ['mqtt', 'http']) {
    const { code, stderr } = await dragoman(['serve', '--memory', ...free, '--listen', `${name}=127.0.0.1:${port}`])
    assert.equal(code, 1)
    assert.equal(stderr.trim(), `listener ${name}: 127.0.0.1:${port} is in use by another process`)
  }
})

test('two processes on one data folder: the second gets a clear error', async (t) => {
  const broker = await spawnTestBroker(t)
  const { code, stderr } = await dragoman(['serve', '--data', broker.data, ...free])
  assert.equal(code, 1)
  assert.match(stderr, /in use|locked|another process/)
})

test('wrong usage says what to do, with exit code 2', async () => {
  for (const [args, message] of [
    [['serve', '--nonsense'], /Unknown option '--nonsense'; see: dragoman serve --help/],
    [['serve', '--listen', 'kafak=1'], /listen\.kafak: no such listener; there are kafka/],
    [['serve', '--listen', 'kafka'], /must be NAME=HOST:PORT/],
    [['serve', '--memory', '--data', 'x'], /exclude one another/],
    [['serve', '--set', 'limits.connectionMax=1'], /did you mean connectionsMax/],
    [['nonsense'], /there is no command nonsense/],
    [['serve', '--config', '/no/such/file'], /there is no such file/],
    [['serve', '--config', root], /^\/.*: EISDIR: [^\n]+\n$/],
    [['serve', '--data', '', ...free], /^data: must not be empty\n$/],
  ] as const) {
    const { code, stderr } = await dragoman(args)
    assert.match(stderr, message)
    assert.equal(code, 2, stderr)
  }
})

test('a dragoman.yaml that cannot be read, and an empty variable, say what is wrong', async (t) => {
  const folder = temporaryFolder(t)
  const inFolder = (args: readonly string[], env: Record<string, string> = {}) =>
    run(process.execPath, [main, ...args], { cwd: folder, env, allowFailure: true })
  const empty = await inFolder(['serve', ...free], { DRAGOMAN_DATA: '' })
  assert.deepEqual([empty.code, empty.stderr], [2, 'data: must not be empty\n'])
  assert.deepEqual(readdirSync(folder), [], 'no journal is begun in the working directory')
  mkdirSync(path.join(folder, 'dragoman.yaml'))
  for (const command of ['config', 'serve', 'check']) {
    const { code, stderr } = await inFolder([command])
    assert.equal(code, 2, stderr)
    assert.match(stderr, /^dragoman\.yaml: EISDIR: [^\n]+\n$/)
  }
})

test('file, environment over it, flags over both', async (t) => {
  const file = path.join(temporaryFolder(t), 'dragoman.yaml')
  writeFileSync(file, 'limits:\n  connectionsMax: 1\n  stopMs: 1s\nlog:\n  level: warn\n')
  const env = { DRAGOMAN_LIMITS_CONNECTIONS_MAX: '2', DRAGOMAN_LOG_LEVEL: 'error' }
  const { stdout } = await dragoman(['config', '--json', '--config', file, '--log-level', 'debug'], env)
  const printed = JSON.parse(stdout) as { limits: { connectionsMax: number; stopMs: number }; log: { level: string } }
  assert.deepEqual([printed.limits.connectionsMax, printed.limits.stopMs, printed.log.level], [2, 1000, 'debug'])
})

test('what config --print prints is a configuration file', async (t) => {
  const file = path.join(temporaryFolder(t), 'dragoman.yaml')
  const { stdout } = await dragoman(['config', '--print', '--listen', 'kafka=0.0.0.0:1', '--listen', 'http=off'])
  writeFileSync(file, stdout)
  const again = await dragoman(['config', '--print', '--config', file])
  assert.equal(again.stdout, readFileSync(file, 'utf8'))
  assert.match(again.stdout, /kafka: 0\.0\.0\.0:1|kafka: "0\.0\.0\.0:1"/)
})

test('every command has help with an example', async () => {
  const { stdout } = await dragoman(['help'])
  const names = [...stdout.matchAll(/^ {2}(\w+) {2,}/gm)].map((match) => match[1] ?? '')
  assert.ok(names.length >= 9)
  for (const name of names) {
    const help = await dragoman([name, '--help'])
    assert.match(help.stdout, /example:\n {2}dragoman /)
    assert.equal(help.code, 0)
  }
})

test('without a broker the error says what to do', async () => {
  const { code, stderr } = await dragoman(['status', '--url', 'http://127.0.0.1:1'])
  assert.equal(code, 1)
  assert.match(stderr, /no broker answers at http:\/\/127\.0\.0\.1:1 .*start one with: dragoman serve/)
})

test('what is no broker, and a URL that is none, are told', async (t) => {
  const page = createHttpServer((_, response) => response.end('<html>hello</html>\n')).listen(0, '127.0.0.1')
  t.after(() => page.close())
  await once(page, 'listening')
  const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`
  for (const command of ['status', 'tail']) {
    const { code, stderr } = await dragoman([command, '--url', url])
    assert.deepEqual([code, stderr.split('\n').length], [1, 2], stderr)
    assert.match(stderr, /^no broker answers like this: <html>/)
  }
  const { code, stderr } = await dragoman(['status', '--url', 'https://127.0.0.1'])
  assert.equal(code, 2)
  assert.match(stderr, /must look like http:/)
})

test('a client that says nothing is closed after its time', async (t) => {
  const broker = await spawnTestBroker(t, { flags: ['--set', 'limits.firstByteMs=100'] })
  const client = connect(broker.port('mqtt'), '127.0.0.1')
  client.on('error', () => undefined)
  client.resume()
  await once(client, 'close')
})

test('connections above the limit are refused, and the others go on', async (t) => {
  const broker = await spawnTestBroker(t, { flags: ['--set', 'limits.connectionsMax=1'] })
  const first = connect(broker.port('kafka'), '127.0.0.1')
  await once(first, 'connect')
  t.after(() => first.destroy())
  await eventually(async () => {
    const second = connect(broker.port('kafka'), '127.0.0.1')
    second.on('error', () => undefined)
    await once(second, 'close')
    return true
  }, 'the second connection is closed')
  assert.equal(first.destroyed, false)
})
