import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { root } from '../../test/support/index.ts'
import { sequentialSyncRate } from '../measure/disk.ts'

const quietly = (command: string, args: readonly string[]): string => {
  try {
    return execFileSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}

/** Facts that a reader needs to compare with another machine; nothing that names this one. */
export function describeMachine(dataFolder: string): Record<string, string | number> {
  const { syncP50Ms, syncP99Ms } = sequentialSyncRate(dataFolder, 4096, 2)
  const model = /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? os.arch()
  return {
    processor: model,
    cores: os.availableParallelism(),
    'memory GiB': Math.round(os.totalmem() / 2 ** 30),
    kernel: os.release(),
    'file system': quietly('stat', ['-f', '-c', '%T', dataFolder]),
    'sync of 4 KiB, ms p50': Number(syncP50Ms.toPrecision(3)),
    'sync of 4 KiB, ms p99': Number(syncP99Ms.toPrecision(3)),
    node: process.version,
    java: /"(.*?)"/.exec(quietly('sh', ['-c', 'java -version 2>&1']))?.[1] ?? 'none',
  }
}

/** `-dirty` when what is measured differs from it; its results do not count. */
export function commitOfProject(): string {
  const measured = ['src', 'bench', 'scripts', 'package-lock.json', ':!bench/results']
  const changes = quietly('git', ['status', '--porcelain', '--', ...measured])
  return `${quietly('git', ['describe', '--always'])}${changes === '' ? '' : '-dirty'}`
}
