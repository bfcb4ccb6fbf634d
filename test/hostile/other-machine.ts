import { spawnSync } from 'node:child_process'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { root, start, type Running } from '../support/index.ts'

const ip = (...args: string[]): boolean => spawnSync('ip', args).status === 0

/** A network of its own, with a wire to this machine. */
export interface OtherMachine {
  /** This machine's address on the wire. */
  host: string
  start(script: string, args: readonly string[]): Running
  /** The wire is cut: from now on nothing gets through, no FIN and no RST either. Then its processes are killed. */
  vanish(): Promise<void>
}

/** Null where this user may not make one. Gone after the test. */
export function otherMachine(t: TestContext): OtherMachine | null {
  const name = `dragoman-${process.pid}`
  const [here, there] = [`dg${process.pid}a`, `dg${process.pid}b`]
  // Addresses for tests of network devices (RFC 2544): no real network has them.
  const net = `198.18.${(process.pid >> 6) % 256}`
  const [host, guest] = [1, 2].map((n) => `${net}.${(process.pid % 64) * 4 + n}`)
  if (!ip('netns', 'add', name)) return null
  const running: Running[] = []
  t.after(async () => {
    for (const each of running) await each.stop('SIGKILL')
    ip('netns', 'del', name)
    ip('link', 'del', here)
  })
  const made =
    ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', name) &&
    ip('addr', 'add', `${host}/30`, 'dev', here) &&
    ip('link', 'set', here, 'up') &&
    ip('-n', name, 'addr', 'add', `${guest}/30`, 'dev', there) &&
    ip('-n', name, 'link', 'set', there, 'up')
  if (!made) return null
  return {
    host: host!,
    start: (script, args) => {
      const command = ['netns', 'exec', name, process.execPath, path.join(root, script), ...args]
      const one = start('ip', command, { cwd: root, timeoutMs: 120_000 })
      running.push(one)
      return one
    },
    vanish: async () => {
      ip('-n', name, 'link', 'set', there, 'down')
      for (const each of running) await each.stop('SIGKILL')
    },
  }
}
