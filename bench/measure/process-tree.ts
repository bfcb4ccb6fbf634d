/** What a server costs: processor time, memory and writes of a process and all that it started, from /proc. */
import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts processor time in hundredths of a second, on every architecture that Node runs on. */
const ticksPerSecond = 100
const pageBytes = 4096
/** All of /proc is read for it, which costs a millisecond or more: seldom enough to be no load itself. */
const sampleMs = 300

interface ProcessStat {
  pid: number
  parent: number
  command: string
  cpuSeconds: number
  rssBytes: number
}

function readStat(pid: number): ProcessStat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined // it ended meanwhile
  }
  // The command is in brackets and may hold spaces and brackets itself; the fields after it are counted from `state`.
  const end = text.lastIndexOf(')')
  const fields = text
    .slice(end + 2)
    .split(' ')
    .map(Number)
  return {
    pid,
    parent: fields[1]!,
    command: text.slice(text.indexOf('(') + 1, end),
    cpuSeconds: (fields[11]! + fields[12]!) / ticksPerSecond,
    rssBytes: fields[21]! * pageBytes,
  }
}

/** The process `root` and everything below it. */
export function processTree(root: number): ProcessStat[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined)
  const found = all.filter((stat) => stat.pid === root)
  for (let at = 0; at < found.length; at++) found.push(...all.filter((stat) => stat.parent === found[at]!.pid))
  return found
}

/** Ends everything below a process at once, and not the process itself. */
export function killBelow(root: number): void {
  for (const { pid } of processTree(root).slice(1)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it ended meanwhile
    }
  }
}

export const rssBytesOf = (root: number): number =>
  processTree(root).reduce((total, process) => total + process.rssBytes, 0)

function writtenBytesOf(pid: number): number {
  try {
    return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

export interface Usage {
  seconds: number
  cpuSeconds: number
  rssPeakBytes: number
  /** What reached the disk, or will: pages that were made dirty count too. */
  writtenBytes: number
}

/** Measures from when it is made until `finish`. A process that started and ended in between is not counted. */
export class Meter {
  readonly #root: number
  readonly #began = performance.now()
  readonly #cpuBefore: Map<number, number>
  readonly #writtenBefore: Map<number, number>
  readonly #timer: NodeJS.Timeout
  #rssPeakBytes: number

  constructor(root: number) {
    this.#root = root
    const tree = processTree(root)
    this.#cpuBefore = new Map(tree.map(({ pid, cpuSeconds }) => [pid, cpuSeconds]))
    this.#writtenBefore = new Map(tree.map(({ pid }) => [pid, writtenBytesOf(pid)]))
    this.#rssPeakBytes = rssBytesOf(root)
    this.#timer = setInterval(() => this.#sample(), sampleMs).unref()
  }

  #sample(): void {
    this.#rssPeakBytes = Math.max(this.#rssPeakBytes, rssBytesOf(this.#root))
  }

  finish(): Usage {
    clearInterval(this.#timer)
    this.#sample()
    let cpuSeconds = 0
    let writtenBytes = 0
    for (const { pid, cpuSeconds: now } of processTree(this.#root)) {
      cpuSeconds += now - (this.#cpuBefore.get(pid) ?? 0)
      writtenBytes += writtenBytesOf(pid) - (this.#writtenBefore.get(pid) ?? 0)
    }
    const seconds = (performance.now() - this.#began) / 1000
    return { seconds, cpuSeconds, rssPeakBytes: this.#rssPeakBytes, writtenBytes }
  }
}
