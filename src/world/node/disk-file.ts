import type { FileHandle } from 'node:fs/promises'
import { DiskError, type DiskFile } from '../disk.ts'
import { diskError } from './disk-error.ts'

/** A file through the runtime's I/O pool: for everything that no acknowledgement waits for. */
export class NodeFile implements DiskFile {
  readonly path: string
  private readonly handle: FileHandle

  constructor(path: string, handle: FileHandle) {
    this.path = path
    this.handle = handle
  }

  private async run<T>(operation: string, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw diskError(error, operation, this.path)
    }
  }

  async bytes(): Promise<number> {
    return (await this.run('stat', this.handle.stat())).size
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    let done = 0
    while (done < into.length) {
      const { bytesRead } = await this.run('read', this.handle.read(into, done, into.length - done, at + done))
      if (bytesRead === 0) break
      done += bytesRead
    }
    return done
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    let done = 0
    while (done < bytes.length) {
      const { bytesWritten } = await this.run('write', this.handle.write(bytes, done, bytes.length - done, at + done))
      if (bytesWritten === 0) throw new DiskError('io', 'write', this.path, 'nothing was written')
      done += bytesWritten
    }
  }

  sync(): Promise<void> {
    return this.run('sync', this.handle.datasync())
  }

  truncate(bytes: number): Promise<void> {
    return this.run('truncate', this.handle.truncate(bytes))
  }

  close(): Promise<void> {
    return this.run('close', this.handle.close())
  }
}
