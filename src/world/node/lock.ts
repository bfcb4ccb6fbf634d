import { randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { access, link, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { Failure, Outcome } from '../../base/index.ts'
import type { Lock } from '../disk.ts'
import { diskError } from './disk-error.ts'

/** Longer socket paths do not fit the system's address (104 on macOS, 108 on Linux). */
const socketPathMax = 100

/**
 * A data folder belongs to the process that listens on the unix socket `LOCK` in it: the system closes it when the
 * process dies, however it dies, and whoever comes next sees that nobody answers. It is made under a name of its own
 * and linked into place, so that two who start at once cannot both win; a dead one is moved away, then asked once more.
 */
export async function lockFolder(folder: string): Promise<Outcome<Lock>> {
  const name = (path: string): string => join(folder, path)
  const mark = randomBytes(6).toString('hex')
  const own = name(`LOCK.${mark}`)
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end(String(process.pid))
  })
  try {
    await listen(server, folder, `LOCK.${mark}`)
    for (let attempt = 0; attempt < 5; attempt++) {
      if (await linked(own, name('LOCK'))) {
        server.unref()
        return { ok: { release: () => release(server, name('LOCK')) } }
      }
      const holder = await ask(folder, 'LOCK')
      if (holder !== null) return await refuse(server, folder, holder)
      await moveAway(folder, mark)
    }
    return await refuse(server, folder, 'another one that starts')
  } catch (error) {
    server.close()
    const told = diskError(error, 'lock', folder)
    const holder = told.kind === 'denied' ? await seen(folder) : null
    if (holder !== null) return inUse(folder, holder)
    throw told
  } finally {
    // Where nothing can be written there is nothing to remove, or it stays: nobody asks for a name like this one.
    await rm(own, { force: true }).catch(() => undefined)
  }
}

/** Who may not write there can still see that somebody else does. Null: nobody does, or not even that can be seen. */
async function seen(folder: string): Promise<string | null> {
  try {
    await access(join(folder, 'LOCK'))
    return await ask(folder, 'LOCK')
  } catch {
    return null
  }
}

async function refuse(server: Server, folder: string, holder: string): Promise<Outcome<Lock>> {
  await new Promise((resolve) => server.close(resolve))
  return inUse(folder, holder)
}

const inUse = (folder: string, holder: string): Failure => {
  return { error: 'inUse', detail: `the data folder ${folder} is in use by process ${holder}: stop that one first` }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Takes a lock out of the way that nobody answered for; puts it back when somebody does now. */
async function moveAway(folder: string, mark: string): Promise<void> {
  const stale = `LOCK.stale.${mark}`
  try {
    await rename(join(folder, 'LOCK'), join(folder, stale))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if ((await ask(folder, stale)) !== null) await linked(join(folder, stale), join(folder, 'LOCK'))
  await rm(join(folder, stale), { force: true })
}

/** A holder that is too busy to answer holds the lock all the same. */
const answerMs = 1000

/** Only these say that nobody listens: who may not ask, or finds the line full, has found somebody. */
const nobody: ReadonlySet<string | undefined> = new Set(['ECONNREFUSED', 'ENOENT'])

/** The process that holds the lock, or null when nobody listens. */
async function ask(folder: string, name: string): Promise<string | null> {
  const address = addressOf(folder, name)
  return await new Promise((resolve) => {
    let answer = ''
    const socket = connect(address.path)
    socket.setEncoding('utf8')
    socket.setTimeout(answerMs, () => socket.destroy())
    socket.on('data', (text: string) => (answer += text))
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(nobody.has(code) ? null : 'unknown'))
    socket.on('close', (failed) => {
      address.done()
      if (!failed) resolve(answer === '' ? 'unknown' : answer)
    })
  })
}

async function listen(server: Server, folder: string, name: string): Promise<void> {
  const address = addressOf(folder, name)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(address.path, resolve)
    })
  } finally {
    address.done()
  }
}

/** The name goes first, or it could be another one's by then. One that cannot be removed is a dead one's from now on. */
async function release(server: Server, path: string): Promise<void> {
  try {
    await rm(path, { force: true })
  } catch (error) {
    throw diskError(error, 'unlock', path)
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

/** A path that fits: on Linux a long one is reached through the folder's descriptor. */
function addressOf(folder: string, name: string): { path: string; done: () => void } {
  const path = join(folder, name)
  if (Buffer.byteLength(path) <= socketPathMax || process.platform !== 'linux') return { path, done: () => undefined }
  const descriptor = openSync(folder, 'r')
  return { path: `/proc/self/fd/${descriptor}/${name}`, done: () => closeSync(descriptor) }
}
