import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { Outcome } from '../../base/index.ts'
import type { CommitThread, Disk, DiskFile, DiskSpace, FileFacts, Lock, OpenMode, SealLayout } from '../disk.ts'
import { commitWaitMs, NodeCommitThread } from './commit-thread.ts'
import { diskError } from './disk-error.ts'
import { NodeFile } from './disk-file.ts'
import { lockFolder } from './lock.ts'

const flags: Record<OpenMode, number> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
}

/** The real disk, below `folder`. */
export class NodeDisk implements Disk {
  readonly prefill = true
  private readonly folder: string
  private readonly waitMs: number

  /** `waitMs`: how long the loop may wait for a commit while the disk is fast (P4); 0 = never. */
  constructor(folder: string, waitMs = commitWaitMs) {
    this.folder = folder
    this.waitMs = waitMs
  }

  private async run<T>(operation: string, path: string, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw diskError(error, operation, path)
    }
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    return new NodeFile(path, await this.run('open', path, open(join(this.folder, path), flags[mode])))
  }

  async stat(path: string): Promise<FileFacts | null> {
    try {
      const facts = await stat(join(this.folder, path))
      return { bytes: facts.size, links: facts.nlink }
    } catch (error) {
      const told = diskError(error, 'stat', path)
      if (told.kind === 'notFound') return null
      throw told
    }
  }

  async list(folder: string): Promise<string[]> {
    try {
      return (await readdir(join(this.folder, folder))).sort()
    } catch (error) {
      const told = diskError(error, 'list', folder)
      if (told.kind === 'notFound') return []
      throw told
    }
  }

  async makeFolder(path: string): Promise<void> {
    const folder = resolve(this.folder, path)
    const first = await this.run('make folder', path, mkdir(folder, { recursive: true }))
    if (first === undefined) return
    // The name of each that was made is in the one above it.
    for (let made = folder; made.startsWith(resolve(first)); made = dirname(made)) {
      await this.syncFolder(relative(this.folder, dirname(made)))
    }
  }

  rename(from: string, to: string): Promise<void> {
    return this.run('rename', from, rename(join(this.folder, from), join(this.folder, to)))
  }

  remove(path: string): Promise<void> {
    return this.run('remove', path, rm(join(this.folder, path), { force: true }))
  }

  /** A folder and all that is in it. */
  removeTree(path: string): Promise<void> {
    return this.run('remove', path, rm(join(this.folder, path), { force: true, recursive: true }))
  }

  async syncFolder(path: string): Promise<void> {
    const handle = await this.run('sync folder', path, open(join(this.folder, path), constants.O_RDONLY))
    try {
      await this.run('sync folder', path, handle.sync())
    } finally {
      await handle.close()
    }
  }

  async space(): Promise<DiskSpace> {
    const facts = await this.run('space', '.', statfs(this.folder))
    return { freeBytes: facts.bavail * facts.bsize, totalBytes: facts.blocks * facts.bsize }
  }

  async lock(): Promise<Outcome<Lock>> {
    await this.makeFolder('.')
    return lockFolder(this.folder)
  }

  commitThread(layout: SealLayout): CommitThread {
    return new NodeCommitThread(this.folder, layout, this.waitMs)
  }
}
