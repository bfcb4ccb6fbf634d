import { DiskError, type Disk, type DiskFile } from '../../world/index.ts'

interface Handle {
  file: Promise<DiskFile>
  users: number
}

/** Opens files for reading when they are first needed, and closes those that were not for longest. */
export class FilePool {
  private readonly disk: Disk
  private readonly filesMax: number
  /** In the order of their last use. */
  private readonly handles = new Map<string, Handle>()
  /** Reads that wait until a file may be opened. */
  private readonly line: (() => void)[] = []
  /** Until they are closed, even if nobody can take them any more. */
  private open = 0
  private ended = false

  /** `filesMax`: so many are open at once; who needs one more waits until another is read. */
  constructor(disk: Disk, filesMax: number) {
    this.disk = disk
    this.filesMax = filesMax
  }

  /** Fills `into` from `at` on; returns how many bytes there were. Rejects with a `DiskError` when the pool has ended. */
  async read(path: string, into: Uint8Array, at: number): Promise<number> {
    while (!this.handles.has(path) && !this.hasRoom()) await new Promise<void>((resolve) => this.line.push(resolve))
    // Nobody would close what is opened now.
    if (this.ended) throw new DiskError('io', 'open', path, 'the store is closed')
    const handle = this.take(path)
    try {
      const file = await handle.file
      return await file.read(into, at)
    } finally {
      handle.users--
      this.next()
    }
  }

  /** Something is out of the way: whoever waits looks whether it was that. */
  private next(): void {
    this.line.shift()?.()
  }

  private take(path: string): Handle {
    let handle = this.handles.get(path)
    if (handle === undefined) {
      const opened: Handle = { file: this.disk.open(path, 'read'), users: 0 }
      handle = opened
      this.open++
      // A file that could not be opened must not be remembered as such.
      opened.file.catch(() => {
        if (this.handles.get(path) === opened) this.handles.delete(path)
        this.open--
      })
    } else {
      this.handles.delete(path)
    }
    handle.users++
    this.handles.set(path, handle)
    return handle
  }

  private hasRoom(): boolean {
    if (this.open < this.filesMax) return true
    for (const [path, handle] of this.handles) {
      if (handle.users > 0) continue
      this.handles.delete(path)
      // Nothing was written to it that could be lost.
      this.close(handle).catch(() => undefined)
      break
    }
    return false
  }

  private async close({ file }: Handle): Promise<void> {
    const opened = await file.catch(() => null)
    if (opened === null) return
    try {
      await opened.close()
    } finally {
      this.open--
      this.next()
    }
  }

  /** Closes a file that nobody asks for any more and that is about to be removed. Reads that have begun end first. */
  async forget(path: string): Promise<void> {
    const handle = this.handles.get(path)
    if (handle === undefined) return
    this.handles.delete(path)
    await this.close(handle)
  }

  async end(): Promise<void> {
    this.ended = true
    const open = [...this.handles.values()]
    this.handles.clear()
    await Promise.all(open.map((handle) => this.close(handle)))
  }
}
