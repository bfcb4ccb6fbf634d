import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, closeSync, readFileSync } from 'node:fs'
import { processTree } from '../measure/process-tree.ts'
import { untilReady, type Protocol } from '../measure/ready.ts'
import type { Server } from './peer.ts'

const readyWithinMs = 180_000
const stopWithinMs = 120_000

export interface Launch {
  command: string
  args: readonly string[]
  cwd?: string
  env?: Record<string, string>
  /** Takes standard output and standard error. */
  logFile: string
  ports: Partial<Record<Protocol, number>>
  /** The command of the process below that takes the signals, when it is not the first one. */
  signalled?: string
}

/** Starts a server and waits until all its ports answer. */
export async function launch(options: Launch): Promise<Server> {
  const log = openSync(options.logFile, 'a')
  const began = performance.now()
  // Every server gets the files that this machine allows: thousands of connections are among the workloads.
  const child = spawn('sh', ['-c', 'ulimit -n $(ulimit -Hn); exec "$@"', 'sh', options.command, ...options.args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const ended = once(child, 'close')
  const over = (): boolean => child.exitCode !== null || child.signalCode !== null
  const pid = child.pid
  if (pid === undefined) throw new Error(`${options.command} could not be started`)
  try {
    for (const [protocol, port] of Object.entries(options.ports)) {
      await untilReady(protocol as Protocol, port, over, readyWithinMs)
    }
  } catch (error) {
    child.kill('SIGKILL')
    const said = readFileSync(options.logFile, 'utf8').split('\n').slice(-20).join('\n')
    throw new Error(`${options.command}: ${(error as Error).message}\n${said}`, { cause: error })
  }
  const readyMs = performance.now() - began

  const stop = async (how: 'properly' | 'at once'): Promise<void> => {
    if (over()) return
    const target = processTree(pid).find(({ command }) => command === options.signalled)?.pid ?? pid
    process.kill(target, how === 'properly' ? 'SIGTERM' : 'SIGKILL')
    const late = setTimeout(() => child.kill('SIGKILL'), stopWithinMs)
    await ended
    clearTimeout(late)
  }
  return {
    pid,
    readyMs,
    stop,
    port: (protocol) => {
      const port = options.ports[protocol]
      if (port === undefined) throw new Error(`${options.command} does not speak ${protocol}`)
      return port
    },
  }
}
