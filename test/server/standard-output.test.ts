import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { root, run, spawnTestBroker, start } from '../support/index.ts'

const main = path.join(root, 'src/cli/main.ts')
const sh = (script: string, env: Record<string, string>) =>
  run('sh', ['-c', script, 'sh', process.execPath, main], { env, allowFailure: true })

test('a command whose output nobody reads any more ends, and says nothing', async (t) => {
  const broker = await spawnTestBroker(t)
  const env = { DRAGOMAN_URL: `http://${broker.address('http')}` }
  const publish = () => run(process.execPath, [main, 'publish', 'orders', 'x'], { env })
  const tail = start(process.execPath, [main, 'tail', 'orders'], { env })
  t.after(() => tail.stop('SIGKILL'))
  for (let attempt = 0; attempt < 20 && tail.stdout === ''; attempt++) await publish()
  assert.match(tail.stdout, /orders .*x/)
  tail.child.stdout!.destroy()
  await publish()
  await publish()
  const ended = await Promise.race([tail.ended, new Promise((resolve) => setTimeout(resolve, 5000).unref())])
  assert.deepEqual(ended, { code: 141, stdout: tail.stdout, stderr: '' })

  const closed = await sh('{ "$1" "$2" backup - 2>&3; echo "ended with $?" >&3; } 3>&2 | true', env)
  assert.equal(closed.stderr, 'ended with 141\n')
})

const skip = existsSync('/dev/full') ? false : 'there is no /dev/full'

test('a command whose output cannot be written has failed', { skip }, async (t) => {
  const broker = await spawnTestBroker(t)
  const env = { DRAGOMAN_URL: `http://${broker.address('http')}` }
  for (const command of ['topics --json', 'backup -', 'config', '--version']) {
    const { code, stderr } = await sh(`"$1" "$2" ${command} > /dev/full`, env)
    assert.equal(code, 1, command)
    assert.match(stderr, /^standard output: ENOSPC.*\n$/, command)
  }
})
