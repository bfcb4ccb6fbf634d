import type { Disk, DiskFile } from '../../world/index.ts'
import { DiskError } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import { FileWindow } from '../journal/scan.ts'
import { checkpointPaths, readTailMark, recordBody, recordBytes, recordHeadBytes, tailBytes } from './format.ts'

const stepBytes = 1024 * 1024

/** Learns what was bad in one of the files, though the other had it. Told once for each file that is read. */
export type Told = (bad: Damaged) => void

interface Footer {
  body: Buffer
  position: number
  path: string
}

/** One of the files. What is not whole in it is null; the reason of the first such thing stays. */
class Copy {
  readonly path: string
  /** What to say when no other file helps. */
  error: Error | null = null
  private readonly disk: Disk
  private readonly told: Told
  private file: DiskFile | null = null
  private window: FileWindow | null = null
  private bytes = 0

  constructor(disk: Disk, path: string, told: Told) {
    this.disk = disk
    this.path = path
    this.told = told
  }

  /** Without waiting; null also when it must be read first. */
  have(at: number): Buffer | null {
    const head = this.window?.have(at, recordHeadBytes) ?? null
    if (head === null) return null
    const bytes = this.window!.have(at, recordBytes(head, 0))
    return bytes === null ? null : recordBody(bytes, 0)
  }

  record(at: number): Promise<Buffer | null> {
    return this.guarded(async (file) => {
      this.window ??= new FileWindow(file, stepBytes)
      const head = await this.window.at(at, recordHeadBytes)
      if (head.length < recordHeadBytes) return this.wrong(at, 'ends before its footer')
      const size = recordBytes(head, 0)
      // A length that has rotted must not become a buffer of that size.
      const body = at + size > this.bytes ? null : recordBody(await this.window.at(at, size), 0)
      return body ?? this.wrong(at, 'a record fails its check')
    })
  }

  footer(): Promise<Footer | null> {
    return this.guarded(async (file) => {
      const { path, bytes: size } = this
      const tailAt = Math.max(0, size - tailBytes)
      const tail = Buffer.alloc(tailBytes)
      await file.read(tail, tailAt)
      const mark = readTailMark(tail)
      if (mark === null || mark.position + mark.bytes + tailBytes !== size) return this.wrong(tailAt, 'no footer')
      const bytes = Buffer.alloc(mark.bytes)
      await file.read(bytes, mark.position)
      const body = recordBody(bytes, 0)
      if (body === null) return this.wrong(mark.position, 'the footer fails its check')
      return { body, position: mark.position, path }
    })
  }

  /** A sector that cannot be read is as bad as one that reads wrong: the other file is tried. */
  private async guarded<T>(read: (file: DiskFile) => Promise<T | null>): Promise<T | null> {
    if (this.error instanceof DiskError) return null
    try {
      if (this.file === null) {
        this.file = await this.disk.open(this.path, 'read')
        this.bytes = await this.file.bytes()
      }
      return await read(this.file)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.error = error
      this.told(new Damaged(this.path, 0, error.kind === 'notFound' ? 'is missing' : error.message))
      return null
    }
  }

  private wrong(at: number, detail: string): null {
    if (this.error !== null) return null
    const damaged = new Damaged(this.path, at, detail)
    this.error = damaged
    this.told(damaged)
    return null
  }

  async close(): Promise<void> {
    await this.file?.close()
  }
}

/** Both files of a checkpoint as one: what is bad in the one is taken from the other, record by record. */
export class Copies {
  private readonly copies: Copy[]
  /** The one that had what was asked for last. */
  private current: Copy

  constructor(disk: Disk, number: number, told: Told, paths: readonly string[] = checkpointPaths(number)) {
    this.copies = paths.map((path) => new Copy(disk, path, told))
    this.current = this.copies[0]!
  }

  /** The body of the record at `at`, or null when it must be waited for. */
  have(at: number): Buffer | null {
    return this.current.have(at)
  }

  /** Rejects with `Damaged` or a `DiskError` when no file has it. */
  record(at: number): Promise<Buffer> {
    return this.any((copy) => copy.record(at))
  }

  footer(): Promise<Footer> {
    return this.any((copy) => copy.footer())
  }

  private async any<T>(read: (copy: Copy) => Promise<T | null>): Promise<T> {
    for (const copy of [this.current, ...this.copies.filter((each) => each !== this.current)]) {
      const found = await read(copy)
      if (found === null) continue
      this.current = copy
      return found
    }
    throw this.worst()
  }

  /** Bytes that perhaps are whole, then bytes that are not; that there is nothing says least. */
  private worst(): Error {
    const errors = this.copies.map(({ error }) => error!)
    const unread = errors.find((error) => error instanceof DiskError && error.kind !== 'notFound')
    return unread ?? errors.find((error) => error instanceof Damaged) ?? errors[0]!
  }

  async close(): Promise<void> {
    for (const copy of this.copies) await copy.close()
  }
}
