import type { Disk, DiskFile } from '../../world/index.ts'

/** At most this many read handles stay open when nobody uses them. */
const idleFilesMax = 64

interface Handle {
  file: Promise<DiskFile>
  users: number
}

/** Opens files for reading when they are first needed, and closes those that were not for longest. */
export class FilePool {
  private readonly disk: Disk
  /** In the order of their last use. */
  private readonly handles = new Map<string, Handle>()

  constructor(disk: Disk) {
    this.disk = disk
  }

  /** Fills `into` from `at` on; returns how many bytes there were. */
  async read(path: string, into: Uint8Array, at: number): Promise<number> {
    const handle = this.take(path)
    try {
      const file = await handle.file
      return await file.read(into, at)
    } finally {
      handle.users--
      this.closeIdle()
    }
  }

  private take(path: string): Handle {
    let handle = this.handles.get(path)
    if (handle === undefined) {
      handle = { file: this.disk.open(path, 'read'), users: 0 }
      // A file that could not be opened must not be remembered as such.
      handle.file.catch(() => this.handles.delete(path))
    } else {
      this.handles.delete(path)
    }
    handle.users++
    this.handles.set(path, handle)
    return handle
  }

  private closeIdle(): void {
    if (this.handles.size <= idleFilesMax) return
    for (const [path, handle] of this.handles) {
      if (handle.users > 0) continue
      this.handles.delete(path)
      void closed(handle)
      if (this.handles.size <= idleFilesMax) return
    }
  }

  /** Closes a file that is about to be removed. Reads that have begun end first. */
  async forget(path: string): Promise<void> {
    const handle = this.handles.get(path)
    if (handle === undefined) return
    this.handles.delete(path)
    await closed(handle)
  }

  async close(): Promise<void> {
    const open = [...this.handles.values()]
    this.handles.clear()
    await Promise.all(open.map(closed))
  }
}

const closed = (handle: Handle): Promise<void> =>
  handle.file.then(
    (file) => file.close(),
    () => undefined,
  )
