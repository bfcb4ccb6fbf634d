import { assert, type Outcome } from '../../base/index.ts'
import type { Timers } from '../clock.ts'
import {
  DiskError,
  type CommitDone,
  type CommitFile,
  type CommitThread,
  type CommitWrite,
  type Disk,
  type DiskErrorKind,
  type DiskFile,
  type DiskSpace,
  type FileFacts,
  type Lock,
  type OpenMode,
  type SealLayout,
} from '../disk.ts'
import { sealHeader } from '../seal.ts'
import { namesIn } from './memory-disk.ts'
import type { SimRandom } from './random.ts'
import { SparseBytes } from './sparse-bytes.ts'

/** Disks write sectors whole, but of a larger write any of them, in any order. */
const sectorBytes = 512

/** `view` is what reads see; `durable` what is on the platter; `unsynced` the writes between. */
interface Inode {
  view: SparseBytes
  durable: SparseBytes
  unsynced: Unsynced[]
}

interface Unsynced {
  at: number
  bytes: Buffer
}

type Names = Map<string, Inode>

export type SimOperation = 'open' | 'read' | 'write' | 'sync' | 'commit' | 'rename' | 'remove' | 'list' | 'syncFolder'

export interface SimFaults {
  /** An error for this operation, or null. A write that fails has still written some of its bytes. */
  fail(operation: SimOperation, path: string): DiskErrorKind | null
  /** How long the operation takes, ms of simulated time. */
  delayMs(operation: SimOperation, path: string): number
  /** Told of a write that ends with an error when some of its bytes are written: short, as when the disk is full. */
  cut?(path: string): void
}

const noFaults: SimFaults = { fail: () => null, delayMs: (operation) => (operation === 'commit' ? 0.1 : 0) }

/**
 * A disk that forgets: what was not synced is kept, lost or torn at a crash, each sector by itself; a name that was
 * not synced may be missing, or an old one may be there again. Errors, fullness and slowness by request.
 */
export class SimDisk implements Disk {
  prefill = true
  capacityBytes = Infinity
  faults: SimFaults = noFaults
  /** Writes and syncs so far: where a test lets a crash happen. */
  operations = 0
  onOperation: ((operation: SimOperation, path: string) => void) | null = null
  private names: Names = new Map()
  private durableNames: Names = new Map()
  private nameChanges: ((names: Names) => void)[] = []
  private locked = false
  private crashed = false
  readonly timers: Timers
  private readonly random: SimRandom

  constructor(timers: Timers, random: SimRandom) {
    this.timers = timers
    this.random = random
  }

  /** The machine has crashed: whoever still writes here does not exist any more. */
  get over(): boolean {
    return this.crashed
  }

  get usedBytes(): number {
    let bytes = 0
    for (const inode of new Set(this.names.values())) bytes += inode.view.length
    return bytes
  }

  /** One operation: its delay, its fault, and no end at all when the machine crashes before. */
  async run<T>(operation: SimOperation, path: string, work: () => T): Promise<T> {
    this.operations++
    this.onOperation?.(operation, path)
    const delayMs = this.faults.delayMs(operation, path)
    if (delayMs > 0) await new Promise<void>((resolve) => this.timers.after(delayMs, resolve))
    else await Promise.resolve()
    if (this.crashed) return new Promise(() => undefined)
    const kind = this.faults.fail(operation, path)
    if (kind !== null && operation !== 'write') throw new DiskError(kind, operation, path, 'simulated')
    return work()
  }

  inode(path: string): Inode {
    const inode = this.names.get(path)
    if (inode === undefined) throw new DiskError('notFound', 'open', path, 'no such file')
    return inode
  }

  private change(apply: (names: Names) => void): void {
    apply(this.names)
    this.nameChanges.push(apply)
  }

  /** Writes to the view. A write that fails, or finds the disk full, leaves a first part of its bytes there. */
  put(path: string, inode: Inode, bytes: Uint8Array, at: number): Unsynced {
    const kind = this.faults.fail('write', path)
    const grows = Math.max(0, at + bytes.length - inode.view.length)
    const full = grows > 0 && this.usedBytes + grows > this.capacityBytes
    if (kind !== null || full) {
      const room = full ? bytes.length - grows + Math.max(0, this.capacityBytes - this.usedBytes) : Infinity
      const written = Math.min(room, this.random.below(bytes.length + 1))
      if (written > 0) {
        this.store(inode, bytes.subarray(0, written), at)
        this.faults.cut?.(path)
      }
      throw new DiskError(full ? 'full' : kind!, 'write', path, 'simulated')
    }
    return this.store(inode, bytes, at)
  }

  private store(inode: Inode, bytes: Uint8Array, at: number): Unsynced {
    const unsynced = { at, bytes: Buffer.from(bytes) }
    inode.view.write(bytes, at)
    inode.unsynced.push(unsynced)
    return unsynced
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return this.run('open', path, () => {
      if (mode !== 'create') return new SimFile(this, path, this.inode(path))
      const inode: Inode = { view: new SparseBytes(), durable: new SparseBytes(), unsynced: [] }
      this.change((names) => names.set(path, inode))
      return new SimFile(this, path, inode)
    })
  }

  async stat(path: string): Promise<FileFacts | null> {
    await Promise.resolve()
    const inode = this.names.get(path)
    if (inode === undefined) return null
    return { bytes: inode.view.length, links: [...this.names.values()].filter((each) => each === inode).length }
  }

  list(folder: string): Promise<string[]> {
    return this.run('list', folder, () => namesIn(this.names.keys(), folder))
  }

  makeFolder(): Promise<void> {
    return Promise.resolve()
  }

  rename(from: string, to: string): Promise<void> {
    return this.run('rename', from, () => {
      const inode = this.inode(from)
      this.change((names) => {
        names.delete(from)
        names.set(to, inode)
      })
    })
  }

  remove(path: string): Promise<void> {
    return this.run('remove', path, () => this.change((names) => void names.delete(path)))
  }

  /** A second name for the file, as a backup makes it. */
  link(from: string, to: string): void {
    const inode = this.inode(from)
    this.change((names) => names.set(to, inode))
  }

  syncFolder(path: string): Promise<void> {
    return this.run('syncFolder', path, () => {
      for (const apply of this.nameChanges) apply(this.durableNames)
      this.nameChanges = []
    })
  }

  space(): Promise<DiskSpace> {
    const totalBytes = this.capacityBytes
    return Promise.resolve({ freeBytes: Math.max(0, totalBytes - this.usedBytes), totalBytes })
  }

  lock(): Promise<Outcome<Lock>> {
    if (this.locked) return Promise.resolve({ error: 'inUse', detail: 'the simulated disk is in use' })
    this.locked = true
    return Promise.resolve({
      ok: {
        release: () => {
          this.locked = false
          return Promise.resolve()
        },
      },
    })
  }

  commitThread(layout: SealLayout): CommitThread {
    return new SimCommits(this, layout)
  }

  /** Changes one bit of a file, as rot does. */
  flip(path: string, position: number, bit: number): void {
    const byte = Buffer.alloc(1)
    const inode = this.inode(path)
    inode.view.read(byte, position)
    byte[0]! ^= 1 << bit
    inode.view.write(byte, position)
    inode.durable.write(byte, position)
  }

  bytesOf(path: string): Buffer {
    const { view } = this.inode(path)
    const bytes = Buffer.alloc(view.length)
    view.read(bytes, 0)
    return bytes
  }

  /** Puts bytes into a file as if they had always been there. */
  overwrite(path: string, bytes: Uint8Array, at: number): void {
    const inode = this.inode(path)
    inode.view.write(bytes, at)
    inode.durable.write(bytes, at)
  }

  paths(): string[] {
    return [...this.names.keys()].sort()
  }

  /** Another disk with the same files, all of them synced. */
  copy(): SimDisk {
    return this.successor(this.names, () => true)
  }

  /** The disk as it is found after the process died: everything written is there, and what was not synced still is not. */
  killed(): SimDisk {
    this.crashed = true
    const next = new SimDisk(this.timers, this.random)
    next.capacityBytes = this.capacityBytes
    next.names = this.names
    next.durableNames = this.durableNames
    next.nameChanges = this.nameChanges
    return next
  }

  /** The disk as it is found after the power failed. */
  crash(): SimDisk {
    this.crashed = true
    const names = new Map(this.durableNames)
    for (const apply of this.nameChanges.slice(0, this.random.below(this.nameChanges.length + 1))) apply(names)
    return this.successor(names, () => this.random.once(2))
  }

  private successor(names: Names, keep: () => boolean): SimDisk {
    const next = new SimDisk(this.timers, this.random)
    next.capacityBytes = this.capacityBytes
    const copies = new Map<Inode, Inode>()
    for (const [path, inode] of names) {
      const copy = copies.get(inode) ?? afterCrash(inode, keep)
      copies.set(inode, copy)
      next.names.set(path, copy)
      next.durableNames.set(path, copy)
    }
    return next
  }
}

function afterCrash(inode: Inode, keep: () => boolean): Inode {
  const durable = inode.durable.copy()
  for (const { at, bytes } of inode.unsynced) {
    for (let from = 0; from < bytes.length;) {
      const to = Math.min(bytes.length, from + sectorBytes - ((at + from) % sectorBytes))
      if (keep()) durable.write(bytes.subarray(from, to), at + from)
      from = to
    }
  }
  return { view: durable.copy(), durable, unsynced: [] }
}

function syncInode(inode: Inode): void {
  for (const { at, bytes } of inode.unsynced) inode.durable.write(bytes, at)
  inode.unsynced = []
  if (inode.durable.length > inode.view.length) inode.durable.truncate(inode.view.length)
}

/** One write comes to the platter, and no older one of the same place may come after it. */
function syncOne(inode: Inode, write: Unsynced): void {
  const index = inode.unsynced.indexOf(write)
  if (index < 0) return
  inode.durable.write(write.bytes, write.at)
  inode.unsynced.splice(index, 1)
  for (const { at, bytes } of inode.unsynced.slice(0, index)) {
    const from = Math.max(at, write.at)
    const to = Math.min(at + bytes.length, write.at + write.bytes.length)
    if (from < to) write.bytes.copy(bytes, from - at, from - write.at, to - write.at)
  }
}

/** What Linux does after a failed sync: the pages look written, the next sync says that all is well, and they never are. */
function dropUnsynced(inode: Inode): void {
  inode.unsynced = []
}

class SimFile implements DiskFile {
  readonly path: string
  private readonly disk: SimDisk
  private readonly inode: Inode

  constructor(disk: SimDisk, path: string, inode: Inode) {
    this.disk = disk
    this.path = path
    this.inode = inode
  }

  bytes(): Promise<number> {
    return Promise.resolve(this.inode.view.length)
  }

  read(into: Uint8Array, at: number): Promise<number> {
    return this.disk.run('read', this.path, () => this.inode.view.read(into, at))
  }

  write(bytes: Uint8Array, at: number): Promise<void> {
    return this.disk.run('write', this.path, () => void this.disk.put(this.path, this.inode, bytes, at))
  }

  async sync(): Promise<void> {
    try {
      await this.disk.run('sync', this.path, () => syncInode(this.inode))
    } catch (error) {
      dropUnsynced(this.inode)
      throw error
    }
  }

  truncate(bytes: number): Promise<void> {
    return this.disk.run('write', this.path, () => this.inode.view.truncate(bytes))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

interface SimCommitFile extends CommitFile {
  inode: Inode
  sync: boolean
}

class SimCommits implements CommitThread {
  private readonly disk: SimDisk
  private readonly layout: SealLayout
  /** What is being written to, and when that is done. */
  private flight: { file: CommitFile; end: Promise<void> } | null = null
  private behind: (() => void) | null = null
  private chain: Buffer = Buffer.alloc(0)

  constructor(disk: SimDisk, layout: SealLayout) {
    this.disk = disk
    this.layout = layout
  }

  open(path: string, sync: boolean): Promise<CommitFile> {
    return this.disk.run('open', path, (): SimCommitFile => {
      const close = (): Promise<void> => {
        assert(this.disk.over || this.flight?.file !== file, 'the thread still writes to a file that is closed')
        return Promise.resolve()
      }
      const file = { path, inode: this.disk.inode(path), sync, close }
      return file
    })
  }

  commit(write: CommitWrite, done: CommitDone): void {
    assert(write.follows === (this.flight !== null), 'what follows is handed over behind another')
    assert(this.behind === null, 'two commits handed over')
    if (this.flight !== null) this.behind = (): void => this.run(write, done)
    else this.run(write, done)
  }

  private run(write: CommitWrite, done: CommitDone): void {
    this.flight = { file: write.file, end: new Promise(() => undefined) }
    if (this.disk.over) return
    const { path, inode, sync } = write.file as SimCommitFile
    if (write.follows) this.chain.copy(write.slices[write.header]!, this.layout.chainAt)
    const chain = sealHeader(this.layout, write.slices, write.header, write.bodyBytes)
    const bytes = Buffer.concat(write.slices)
    // Written at once, on the disk when it is done: a crash between the two tears it.
    let error: DiskError | null = null
    let put: Unsynced | null = null
    try {
      put = this.disk.put(path, inode, bytes, write.at)
    } catch (failure) {
      error = failure as DiskError
    }
    const finish = (failure: DiskError | null): void => {
      this.flight = null
      this.chain = chain
      if (failure !== null && failure.kind !== 'full') dropUnsynced(inode)
      const next = failure === null ? this.behind : null
      this.behind = null
      next?.()
      done(failure, chain)
    }
    const work = (): void => {
      if (error !== null) throw error
      if (sync) syncOne(inode, put!)
    }
    const end = this.disk.run('commit', path, work).then(
      () => finish(null),
      (failure: unknown) => finish(failure as DiskError),
    )
    this.flight.end = end
  }

  async close(): Promise<void> {
    while (this.flight !== null && !this.disk.over) await this.flight.end
  }
}
