import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { failed } from '../../base/index.ts'
import { DiskError } from '../disk.ts'
import { lockFolder } from './lock.ts'

test('one process at a time holds a folder, and a dead one does not', async (t) => {
  const top = mkdtempSync(join(tmpdir(), 'lock-'))
  t.after(() => rmSync(top, { recursive: true }))
  for (const path of [top, join(top, 'd'.repeat(120))]) {
    mkdirSync(path, { recursive: true })
    const first = await lockFolder(path)
    assert.ok(!failed(first))
    const second = await lockFolder(path)
    assert.ok(failed(second))
    assert.equal(second.error, 'inUse')
    assert.match(second.detail, new RegExp(`process ${process.pid}`))
    await first.ok.release()
    const third = await lockFolder(path)
    assert.ok(!failed(third))
    await third.ok.release()

    const script = `import { lockFolder } from ${JSON.stringify(import.meta.resolve('./lock.ts'))}
      const lock = await lockFolder(${JSON.stringify(path)}); console.log(Object.keys(lock)); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const told = await new Promise((resolve) => child.stdout.once('data', (text) => resolve(String(text).trim())))
    assert.equal(told, "[ 'ok' ]")
    const taken = await lockFolder(path)
    assert.ok(failed(taken) && taken.detail.includes(`process ${child.pid}`))
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
    const four = await lockFolder(path)
    assert.ok(!failed(four), 'the lock of a killed process is free')
    await four.ok.release()
    assert.deepEqual(
      readdirSync(path).filter((name) => name.startsWith('LOCK')),
      [],
    )
  }
})

test('who cannot be asked holds the lock all the same', { timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const script = `import { lockFolder } from ${JSON.stringify(import.meta.resolve('./lock.ts'))}
    const lock = await lockFolder(${JSON.stringify(folder)}); console.log(Object.keys(lock)); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  // It hangs, and others have asked until there is no place in its line: EAGAIN.
  child.kill('SIGSTOP')
  const sockets: Socket[] = []
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  const asked = (): Promise<string | undefined> =>
    new Promise((resolve) => {
      const socket = connect(join(folder, 'LOCK'), () => resolve(undefined))
      socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
      sockets.push(socket)
    })
  let refused: string | undefined
  for (let i = 0; i < 5000 && refused === undefined; i++) refused = await asked()
  if (refused !== 'EAGAIN') return t.skip(`this system says ${refused ?? 'nothing'} when the line is full`)
  const second = await lockFolder(folder)
  assert.ok(failed(second) && second.error === 'inUse')
})

test('a lock whose file cannot be removed is free all the same once it is released', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const lock = await lockFolder(folder)
  assert.ok(!failed(lock))
  const path = join(folder, 'LOCK')
  // As where nothing can be written any more: a folder cannot be removed as a file.
  renameSync(path, `${path}.kept`)
  mkdirSync(path)
  await assert.rejects(lock.ok.release(), DiskError)
  rmdirSync(path)
  renameSync(`${path}.kept`, path)
  const again = await lockFolder(folder)
  assert.ok(!failed(again), JSON.stringify(again))
  await again.ok.release()
})
