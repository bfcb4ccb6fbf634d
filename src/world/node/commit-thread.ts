import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { assert } from '../../base/index.ts'
import {
  DiskError,
  type CommitDone,
  type CommitFile,
  type CommitThread,
  type CommitWrite,
  type SealLayout,
} from '../disk.ts'
import { chainAt, errorAt, field, type DataMessage } from './commit-protocol.ts'
import { takeCommitWorker } from './commit-worker-start.ts'
import { diskError } from './disk-error.ts'

/** Larger commits are written, then synced: writing through gains nothing for them (measured). */
const writeThroughBytesMax = 256 * 1024
/** While commits take less than this on average, the loop waits so long for one (P4). */
export const commitWaitMs = 0.3
/** From here on a slice is copied by the runtime. */
const copyBytesMin = 4096

class NodeCommitFile implements CommitFile {
  readonly path: string
  readonly plain: FileHandle
  /** Writes through to the disk; null when no sync is wanted. */
  readonly through: FileHandle | null

  constructor(path: string, plain: FileHandle, through: FileHandle | null) {
    this.path = path
    this.plain = plain
    this.through = through
  }

  async close(): Promise<void> {
    await this.plain.close()
    await this.through?.close()
  }
}

/** A thread for commits alone: the runtime's I/O pool may be busy with anything, and then a commit would wait. */
export class NodeCommitThread implements CommitThread {
  private readonly folder: string
  private readonly fields: Int32Array
  private readonly bytes: Buffer
  private readonly worker: Worker
  /** The bytes of the commit in flight. */
  private data: Buffer
  /** 0: the loop never waits. On one core it would only keep the thread from its work. */
  private readonly waitMs: number
  private averageMs = 1
  private done: CommitDone | null = null
  private path = ''
  private dead: DiskError | null = null
  private closing = false

  constructor(folder: string, layout: SealLayout, waitMs: number) {
    this.folder = folder
    this.waitMs = availableParallelism() > 1 ? waitMs : 0
    const { worker, shared, data } = takeCommitWorker()
    this.worker = worker
    this.fields = new Int32Array(shared, 0, chainAt / 4)
    this.bytes = Buffer.from(shared)
    this.data = Buffer.from(data)
    this.fields[field.headerBytes] = layout.headerBytes
    this.fields[field.bodyCrcAt] = layout.bodyCrcAt
    this.fields[field.headerCrcAt] = layout.headerCrcAt
    this.worker.on('message', () => this.heard())
    this.worker.on('error', (error: unknown) => this.died((error as Error).message))
    this.worker.on('exit', () => {
      if (!this.closing) this.died('the commit thread ended')
    })
  }

  private died(detail: string): void {
    this.dead ??= new DiskError('io', 'commit', this.path, detail)
    const { done } = this
    this.done = null
    done?.(this.dead, Buffer.alloc(16))
  }

  async open(path: string, sync: boolean): Promise<CommitFile> {
    const full = join(this.folder, path)
    let plain: FileHandle | undefined
    try {
      plain = await open(full, constants.O_RDWR)
      const through = sync ? await open(full, constants.O_RDWR | constants.O_DSYNC) : null
      return new NodeCommitFile(path, plain, through)
    } catch (error) {
      await plain?.close()
      throw diskError(error, 'open', path)
    }
  }

  commit(write: CommitWrite, done: CommitDone): void {
    assert(this.done === null, 'one commit in flight')
    if (this.dead !== null) return done(this.dead, Buffer.alloc(16))
    const { fields } = this
    const { file } = write
    assert(file instanceof NodeCommitFile, 'a file of another disk')
    const bytes = this.copy(write)
    const through = file.through !== null && bytes <= writeThroughBytesMax
    fields[field.descriptor] = (through ? file.through : file.plain).fd
    fields[field.syncAfter] = file.through !== null && !through ? 1 : 0
    fields[field.positionLow] = write.at | 0
    fields[field.positionHigh] = Math.floor(write.at / 0x1_0000_0000)
    fields[field.bodyBytes] = write.bodyBytes
    fields[field.dataBytes] = bytes
    this.done = done
    this.path = write.file.path
    const number = (Atomics.add(fields, field.request, 1) + 1) | 0
    Atomics.notify(fields, field.request)
    this.await(number)
  }

  /** Puts the slices one after the other where the thread finds them; returns their bytes. */
  private copy({ slices, header }: CommitWrite): number {
    let bytes = 0
    for (const slice of slices) bytes += slice.length
    if (bytes > this.data.length) this.enlarge(bytes)
    let at = 0
    slices.forEach((slice, i) => {
      if (i === header) this.fields[field.headerAt] = at
      // `set` copies to shared memory word by word, and so does `copy` of a whole view; of a part of one it does not,
      // but costs more to call (measured).
      if (slice.length < copyBytesMin) this.data.set(slice, at)
      else Buffer.from(slice.buffer).copy(this.data, at, slice.byteOffset, slice.byteOffset + slice.length)
      at += slice.length
    })
    return bytes
  }

  private enlarge(bytes: number): void {
    const data = new SharedArrayBuffer(bytes * 2)
    this.data = Buffer.from(data)
    const message: DataMessage = { data }
    this.worker.postMessage(message)
  }

  private await(number: number): void {
    const { fields } = this
    if (this.averageMs < this.waitMs) Atomics.wait(fields, field.done, (number - 1) | 0, this.waitMs)
    if (Atomics.load(fields, field.done) === number) this.finish()
    else this.ask(number)
  }

  private ask(number: number): void {
    const { fields } = this
    Atomics.store(fields, field.wantMessage, 1)
    // It may have become done before it could see the wish: then there will be no message.
    if (Atomics.load(fields, field.done) === number && Atomics.exchange(fields, field.wantMessage, 0) === 1) {
      this.finish()
    }
  }

  /**
   * The thread may have taken the wish at the end of the job before, where the loop had seen that one done by waiting:
   * then this message is the old one's, and the job in flight has to be wished for again.
   */
  private heard(): void {
    if (this.done === null) return
    const number = Atomics.load(this.fields, field.request)
    if (Atomics.load(this.fields, field.done) === number) this.finish()
    else this.ask(number)
  }

  private finish(): void {
    const { fields, done } = this
    if (done === null || Atomics.load(fields, field.done) !== Atomics.load(fields, field.request)) return
    this.done = null
    this.averageMs += (fields[field.tookUs]! / 1000 - this.averageMs) * 0.1
    const chain = Buffer.from(this.bytes.subarray(chainAt, chainAt + 16))
    const errorBytes = fields[field.errorBytes]!
    if (errorBytes === 0) return done(null, chain)
    const [code, message] = this.bytes.toString('utf8', errorAt, errorAt + errorBytes).split('\n')
    done(diskError(Object.assign(new Error(message), { code }), 'commit', this.path), chain)
  }

  async close(): Promise<void> {
    this.closing = true
    Atomics.store(this.fields, field.quit, 1)
    Atomics.add(this.fields, field.request, 1)
    Atomics.notify(this.fields, field.request)
    await this.worker.terminate()
  }
}
