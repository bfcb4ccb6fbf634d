import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startBroker, type Broker, type BrokerOptions } from '../../src/index.ts'
import { start, type Running } from './process.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A folder of this test's own, removed after it, when `before` has ended: hooks run in the order they were added. */
export function temporaryFolder(t: TestContext, before: () => Promise<unknown> = () => Promise.resolve()): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'dragoman-'))
  t.after(async () => {
    await before()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  })
  return folder
}

/**
 * A broker in this process with every listener on a free port of 127.0.0.1 and its data in a folder of its own; it is
 * stopped after the test. `broker.port('kafka')`, `broker.address('amqp')` say where it listens.
 */
export async function startTestBroker(t: TestContext, options: BrokerOptions = {}): Promise<Broker> {
  const started: { broker?: Broker } = {}
  const stop = async (): Promise<void> => started.broker?.stop()
  const data = options.data ?? temporaryFolder(t, stop)
  const broker = (started.broker = await startBroker({ log: 'warn', ...options, data }))
  if (options.data !== undefined) t.after(stop)
  return broker
}

export interface SpawnedBroker {
  process: Running
  data: string
  port(protocol: string): number
  address(protocol: string): string
  /** Ends the process with SIGKILL, as a crash does. */
  kill(): Promise<void>
}

export interface SpawnOptions {
  data?: string
  /** More command-line flags. */
  flags?: string[]
  /** The command's file; by default its source. */
  main?: string
  /** The process is killed after this long; 10 minutes by default. */
  timeoutMs?: number
  /** More environment. */
  env?: Record<string, string>
  /** As this user, who must be able to use the folder; only root may. */
  uid?: number
  /** Where it listens; 127.0.0.1 by default. */
  host?: string
  /** It may open so many files and connections, as `ulimit -n` says. */
  filesMax?: number
}

/** The real process, `dragoman serve`, on free ports. Give the same `data` again to restart it over its folder. */
export async function spawnTestBroker(t: TestContext, options: SpawnOptions = {}): Promise<SpawnedBroker> {
  const started: { running?: Running } = {}
  const stop = async (): Promise<unknown> => started.running?.stop('SIGKILL')
  const data = options.data ?? temporaryFolder(t, stop)
  const { host = '127.0.0.1' } = options
  const listen = ['kafka', 'amqp', 'mqtt', 'mqtt-ws', 'http'].flatMap((name) => ['--listen', `${name}=${host}:0`])
  const main = path.join(root, options.main ?? 'src/cli/main.ts')
  const command = [process.execPath, main, 'serve', ...listen, '--data', data, ...(options.flags ?? [])]
  const limited = options.filesMax === undefined ? [] : ['sh', '-c', `ulimit -n ${options.filesMax}; exec "$@"`, 'sh']
  const [program, ...args] = [...limited, ...command]
  const running = start(program!, args, {
    cwd: root,
    timeoutMs: options.timeoutMs ?? 600_000,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
  })
  started.running = running
  if (options.data !== undefined) t.after(stop)
  await running.waitFor(/ready in \d+ ms/)
  const address = (protocol: string): string => {
    const found = new RegExp(`^listening ${protocol} (\\S+)$`, 'm').exec(running.stdout)
    if (found?.[1] === undefined) throw new Error(`no listener ${protocol} in\n${running.stdout}`)
    return found[1]
  }
  return {
    process: running,
    data,
    address,
    port: (protocol) => Number(address(protocol).split(':').at(-1)),
    kill: async () => {
      await running.stop('SIGKILL')
    },
  }
}
