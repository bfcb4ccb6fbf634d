import { assert, type Outcome } from '../../base/index.ts'
import {
  DiskError,
  type CommitDone,
  type CommitFile,
  type CommitThread,
  type CommitWrite,
  type Disk,
  type DiskFile,
  type DiskSpace,
  type FileFacts,
  type Lock,
  type OpenMode,
  type SealLayout,
} from '../disk.ts'
import { sealHeader } from '../seal.ts'
import { SparseBytes } from './sparse-bytes.ts'

/** A disk in memory, for a broker without one: nothing survives the process, nothing fails, nothing is slow. */
export class MemoryDisk implements Disk {
  readonly prefill = false
  private readonly files = new Map<string, SparseBytes>()

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    let bytes = this.files.get(path)
    if (mode === 'create') this.files.set(path, (bytes = new SparseBytes()))
    if (bytes === undefined) return Promise.reject(new DiskError('notFound', 'open', path, 'no such file'))
    return Promise.resolve(new MemoryFile(path, bytes))
  }

  stat(path: string): Promise<FileFacts | null> {
    const bytes = this.files.get(path)
    return Promise.resolve(bytes === undefined ? null : { bytes: bytes.length, links: 1 })
  }

  list(folder: string): Promise<string[]> {
    return Promise.resolve(namesIn(this.files.keys(), folder))
  }

  makeFolder(): Promise<void> {
    return Promise.resolve()
  }

  rename(from: string, to: string): Promise<void> {
    const bytes = this.files.get(from)
    if (bytes === undefined) return Promise.reject(new DiskError('notFound', 'rename', from, 'no such file'))
    this.files.delete(from)
    this.files.set(to, bytes)
    return Promise.resolve()
  }

  remove(path: string): Promise<void> {
    this.files.delete(path)
    return Promise.resolve()
  }

  syncFolder(): Promise<void> {
    return Promise.resolve()
  }

  space(): Promise<DiskSpace> {
    return Promise.resolve({ freeBytes: Infinity, totalBytes: Infinity })
  }

  lock(): Promise<Outcome<Lock>> {
    return Promise.resolve({ ok: { release: () => Promise.resolve() } })
  }

  commitThread(layout: SealLayout): CommitThread {
    return new MemoryCommits(this, layout)
  }

  bytesOf(path: string): SparseBytes {
    const bytes = this.files.get(path)
    assert(bytes !== undefined, `no file ${path}`)
    return bytes
  }
}

/** File names right below `folder`, sorted. */
export function namesIn(paths: Iterable<string>, folder: string): string[] {
  const prefix = `${folder}/`
  const names: string[] = []
  for (const path of paths) {
    if (path.startsWith(prefix) && !path.includes('/', prefix.length)) names.push(path.slice(prefix.length))
  }
  return names.sort()
}

class MemoryFile implements DiskFile {
  readonly path: string
  private readonly content: SparseBytes

  constructor(path: string, content: SparseBytes) {
    this.path = path
    this.content = content
  }

  bytes(): Promise<number> {
    return Promise.resolve(this.content.length)
  }

  read(into: Uint8Array, at: number): Promise<number> {
    return Promise.resolve(this.content.read(into, at))
  }

  write(bytes: Uint8Array, at: number): Promise<void> {
    this.content.write(bytes, at)
    return Promise.resolve()
  }

  sync(): Promise<void> {
    return Promise.resolve()
  }

  truncate(bytes: number): Promise<void> {
    this.content.truncate(bytes)
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

class MemoryCommits implements CommitThread {
  private readonly disk: MemoryDisk
  private readonly layout: SealLayout

  constructor(disk: MemoryDisk, layout: SealLayout) {
    this.disk = disk
    this.layout = layout
  }

  open(path: string): Promise<CommitFile> {
    this.disk.bytesOf(path)
    return Promise.resolve({ path, close: () => Promise.resolve() })
  }

  commit(write: CommitWrite, done: CommitDone): void {
    assert(!write.follows, 'none is in flight when `commit` returns')
    const chain = sealHeader(this.layout, write.slices, write.header, write.bodyBytes)
    const bytes = this.disk.bytesOf(write.file.path)
    let at = write.at
    for (const slice of write.slices) {
      bytes.write(slice, at)
      at += slice.length
    }
    done(null, chain)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
