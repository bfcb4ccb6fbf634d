import { mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { root, run } from '../support/index.ts'
import type { Content } from './content/read.ts'

export const corpusFolder = path.join(root, 'test/lifecycle/corpus')

/** What stands beside the packed folders of one release. */
export interface Expected {
  /** What wrote it, for a reader. */
  madeBy: string
  folders: Record<string, Content>
}

/** Small segments, so that a few megabytes make several of them, and spans. */
export const corpusFlags = ['segmentBytes=2MiB', 'checkpointBytes=3MiB', 'mergeAfterMs=500'].flatMap((each) => [
  '--set',
  `storage.${each}`,
])

/** Made so long before it is read, at least: what was delayed is due, and what had a time to live has expired. */
export const shortMs = 6000

export const releases = (): string[] =>
  readdirSync(corpusFolder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()

/** Without the socket by which a process holds the folder: tar leaves out sockets. */
export async function pack(data: string, file: string): Promise<void> {
  mkdirSync(path.dirname(file), { recursive: true })
  await run('tar', ['-cJf', file, '-C', data, '.'])
}

export async function unpack(file: string, data: string): Promise<void> {
  mkdirSync(data, { recursive: true })
  await run('tar', ['-xJf', file, '-C', data])
}
