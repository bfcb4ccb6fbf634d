import { readFileSync } from 'node:fs'

const mebi = 1024
/** Of the kernel's clock for processor times. */
const ticksPerSecond = 100

function kilobytes(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
}

/** Resident memory, MiB. */
export const rssMb = (pid: number): number => kilobytes(pid, 'VmRSS') / mebi

/** Processor time of all its threads since its start, ms. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name, in brackets, may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond
}

/** Follows a process's memory; the kernel's own high-water mark sees what samples miss. */
export class MemoryWatch {
  readonly pid: number
  readonly idleMb: number

  constructor(pid: number) {
    this.pid = pid
    this.idleMb = rssMb(pid)
  }

  get nowMb(): number {
    return rssMb(this.pid)
  }

  /** The highest since the process began. */
  get peakMb(): number {
    return kilobytes(this.pid, 'VmHWM') / mebi
  }
}
