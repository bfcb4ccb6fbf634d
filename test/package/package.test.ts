import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { version } from '../../src/version.ts'
import { root, run, start, temporaryFolder } from '../support/index.ts'
import { which } from '../support/install.ts'

/** `npm pack`, and the tarball installed in a folder of its own, as a user of the package has it. */
async function installPackage(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t)
  const { stdout } = await run('npm', ['pack', '--pack-destination', folder, '--json', '--loglevel=error'], {
    cwd: root,
    timeoutMs: 120_000,
  })
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{ filename: string; files: { path: string }[] }]
  const strays = packed.files.filter((file) => !/^(dist\/|package\.json$|README\.md$|LICENSE$)/.test(file.path))
  assert.deepEqual(strays, [], 'only what is needed is packed')
  mkdirSync(path.join(folder, 'user'))
  writeFileSync(path.join(folder, 'user/package.json'), '{ "name": "user", "private": true, "type": "module" }')
  await run(
    'npm',
    ['install', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline', path.join(folder, packed.filename)],
    {
      cwd: path.join(folder, 'user'),
      timeoutMs: 120_000,
    },
  )
  return path.join(folder, 'user')
}

const useImport = `
import { startBroker } from 'dragoman'
const broker = await startBroker({ listen: { kafka: 0 } })
const { host, port } = broker.addresses.kafka
if (host !== '127.0.0.1' || port === 0) throw new Error(JSON.stringify(broker.addresses))
const answer = await fetch('http://' + broker.address('http') + '/healthz')
console.log(await answer.text())
await broker.stop()
`

const useTypes = `
import { startBroker, type Broker } from 'dragoman'
const broker: Broker = await startBroker({ data: 'memory', listen: { mqtt: '127.0.0.1:0', amqp: false } })
const port: number = broker.port('mqtt')
await broker.stop()
export { port }
`

test('the package gives a command, an import and types', { timeout: 300_000 }, async (t) => {
  const user = await installPackage(t)
  // The project runs on Node 24; a user of the package may have an older one.
  const nodes = new Set([process.execPath, which('node') ?? process.execPath])

  writeFileSync(path.join(user, 'use.mjs'), useImport)
  for (const node of nodes) {
    const { stdout } = await run(node, ['use.mjs'], { cwd: user })
    assert.equal(stdout, 'ok\n\n')
  }

  for (const node of nodes) {
    const bin = path.join(user, 'node_modules/.bin/dragoman')
    assert.equal((await run(node, [bin, '--version'])).stdout.trim(), version)
    const listen = ['kafka', 'amqp', 'mqtt', 'mqtt-ws', 'http'].flatMap((name) => ['--listen', `${name}=127.0.0.1:0`])
    const running = start(node, [bin, 'serve', '--data', path.join(user, `data-${path.basename(node)}`), ...listen])
    t.after(() => running.stop('SIGKILL'))
    await running.waitFor(/ready in \d+ ms/)
    assert.equal((await running.stop('SIGTERM')).code, 0)
  }

  writeFileSync(path.join(user, 'use.ts'), useTypes)
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  const compilerOptions = {
    noEmit: true,
    strict: true,
    module: 'nodenext',
    target: 'es2023',
    types: [],
    skipLibCheck: true,
  }
  writeFileSync(path.join(user, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }))
  await run(process.execPath, [tsc, '-p', '.'], { cwd: user })
})

test('the version is that of package.json', () => {
  const { version: packaged } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string }
  assert.equal(version, packaged)
})
