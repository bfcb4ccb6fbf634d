import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

export interface RunOptions {
  /** Written to standard input, which is then closed. */
  input?: string | Buffer
  env?: Record<string, string>
  cwd?: string
  /** As this user and group; only root may. */
  uid?: number
  /** The process is killed after this long and the run fails. Default 30 s. */
  timeoutMs?: number
  /** By default an exit code other than 0 throws, with all that the process said. */
  allowFailure?: boolean
}

export interface RunResult {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a command to its end. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const running = start(command, args, options)
  running.child.stdin?.on('error', () => undefined) // the process may end without reading its input
  running.child.stdin?.end(options.input ?? '')
  const result = await running.ended
  if (result.code !== 0 && options.allowFailure !== true) {
    throw new Error(`${command} ${args.join(' ')} ended with ${result.code}\n${result.stdout}\n${result.stderr}`)
  }
  return result
}

/** A process that goes on while the test talks to it. Stop it in `t.after(() => running.stop())`. */
export class Running {
  readonly child: ChildProcess
  readonly ended: Promise<RunResult>
  stdout = ''
  stderr = ''
  readonly #title: string
  #over = false

  constructor(child: ChildProcess, title: string, timeoutMs: number) {
    this.child = child
    this.#title = title
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    const timer = setTimeout(() => {
      this.stderr += `\n(killed after ${timeoutMs} ms)`
      child.kill('SIGKILL')
    }, timeoutMs)
    this.ended = new Promise((resolve, reject) => {
      child.once('error', (error) => {
        clearTimeout(timer)
        this.#over = true
        reject(error)
      })
      child.once('close', (code) => {
        clearTimeout(timer)
        this.#over = true
        resolve({ code, stdout: this.stdout, stderr: this.stderr })
      })
    })
    this.ended.catch(() => undefined)
  }

  write(text: string): void {
    this.child.stdin?.write(text)
  }

  /** Resolves with the first match in what was printed so far or will be printed. */
  async waitFor(pattern: RegExp, timeoutMs = 20_000, stream: 'stdout' | 'stderr' = 'stdout'): Promise<RegExpExecArray> {
    const until = Date.now() + timeoutMs
    for (;;) {
      const match = pattern.exec(this[stream])
      if (match) return match
      if (this.#over || Date.now() > until) {
        const why = this.#over ? `ended with ${this.child.exitCode}` : `said nothing like ${pattern} in ${timeoutMs} ms`
        throw new Error(`${this.#title} ${why}\n${this.stdout}\n${this.stderr}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Sends `signal` and waits for the end. Does nothing when it has ended already. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<RunResult> {
    if (!this.#over && this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal)
      await Promise.race([once(this.child, 'close'), new Promise((resolve) => setTimeout(resolve, 12_000).unref())])
      this.child.kill('SIGKILL') // does nothing to one that has ended
    }
    return this.ended
  }
}

export function start(command: string, args: readonly string[], options: RunOptions = {}): Running {
  const child = spawn(command, args, {
    cwd: options.cwd,
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  return new Running(child, `${command} ${args.join(' ')}`, options.timeoutMs ?? 30_000)
}

/** Polls until `probe` gives something other than undefined or false. */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  what: string,
  timeoutMs = 10_000,
): Promise<Exclude<NonNullable<T>, false>> {
  const until = Date.now() + timeoutMs
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== null && value !== false) return value as Exclude<NonNullable<T>, false>
    if (Date.now() > until) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
