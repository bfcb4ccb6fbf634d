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
import { field, fieldsOf, jobField, jobsOf, type DataMessage, type Job } from './commit-protocol.ts'
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

interface HandedOver {
  number: number
  path: string
  done: CommitDone
}

/** A thread for commits alone: the runtime's I/O pool may be busy with anything, and then a commit would wait. */
export class NodeCommitThread implements CommitThread {
  private readonly folder: string
  private readonly fields: Int32Array
  private readonly jobs: [Job, Job]
  private readonly worker: Worker
  /** 0: the loop never waits. On one core it would only keep the thread from its work. */
  private readonly waitMs: number
  private averageMs = 1
  /** At most two, in their order. */
  private readonly handedOver: HandedOver[] = []
  private dead: DiskError | null = null
  private closing = false
  /** Who closes waits until nothing is handed over. */
  private idle: () => void = () => undefined

  constructor(folder: string, layout: SealLayout, waitMs: number) {
    this.folder = folder
    this.waitMs = availableParallelism() > 1 ? waitMs : 0
    const { worker, ...memory } = takeCommitWorker()
    this.worker = worker
    this.fields = fieldsOf(memory.shared)
    this.jobs = jobsOf(memory)
    this.fields[field.headerBytes] = layout.headerBytes
    this.fields[field.chainAt] = layout.chainAt
    this.fields[field.bodyCrcAt] = layout.bodyCrcAt
    this.fields[field.headerCrcAt] = layout.headerCrcAt
    this.worker.on('message', () => this.settle())
    this.worker.on('error', (error: unknown) => this.died((error as Error).message))
    this.worker.on('exit', () => {
      if (!this.closing) this.died('the commit thread ended')
    })
  }

  private died(detail: string): void {
    this.dead ??= new DiskError('io', 'commit', this.handedOver[0]?.path ?? '', detail)
    const [first] = this.handedOver.splice(0)
    first?.done(this.dead, Buffer.alloc(16))
    this.idle()
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
    const { handedOver, fields } = this
    assert(handedOver.length < 2, 'two commits handed over')
    assert(write.follows === handedOver.length > 0, 'what follows is handed over behind another')
    if (this.dead !== null) return done(this.dead, Buffer.alloc(16))
    const { file } = write
    assert(file instanceof NodeCommitFile, 'a file of another disk')
    const number = (fields[field.request]! + 1) | 0
    const index = (number & 1) as 0 | 1
    const bytes = this.copy(index, write)
    const through = file.through !== null && bytes <= writeThroughBytesMax
    const job = this.jobs[index].fields
    job[jobField.descriptor] = (through ? file.through : file.plain).fd
    job[jobField.syncAfter] = file.through !== null && !through ? 1 : 0
    job[jobField.positionLow] = write.at | 0
    job[jobField.positionHigh] = Math.floor(write.at / 0x1_0000_0000)
    job[jobField.bodyBytes] = write.bodyBytes
    job[jobField.dataBytes] = bytes
    job[jobField.follows] = write.follows ? 1 : 0
    handedOver.push({ number, path: file.path, done })
    Atomics.store(fields, field.request, number)
    Atomics.notify(fields, field.request)
    if (!write.follows) this.await(number)
  }

  /** Puts the slices one after the other where the thread finds them; returns their bytes. */
  private copy(index: 0 | 1, { slices, header }: CommitWrite): number {
    let bytes = 0
    for (const slice of slices) bytes += slice.length
    const job = this.jobs[index]
    if (bytes > job.data.length) this.enlarge(index, bytes)
    let at = 0
    slices.forEach((slice, i) => {
      if (i === header) job.fields[jobField.headerAt] = at
      // `set` copies to shared memory word by word, and so does `copy` of a whole view; of a part of one it does not,
      // but costs more to call (measured).
      if (slice.length < copyBytesMin) job.data.set(slice, at)
      else Buffer.from(slice.buffer).copy(job.data, at, slice.byteOffset, slice.byteOffset + slice.length)
      at += slice.length
    })
    return bytes
  }

  private enlarge(job: 0 | 1, bytes: number): void {
    const data = new SharedArrayBuffer(bytes * 2)
    this.jobs[job].data = Buffer.from(data)
    const message: DataMessage = { job, data }
    this.worker.postMessage(message)
  }

  private await(number: number): void {
    const { fields } = this
    if (this.averageMs < this.waitMs) Atomics.wait(fields, field.done, (number - 1) | 0, this.waitMs)
    this.settle()
  }

  /** Whether the first one is done. After an error also what follows it: until then the thread may look at that one. */
  private isDone(): boolean {
    const first = this.handedOver[0]
    if (first === undefined) return false
    const done = Atomics.load(this.fields, field.done)
    if (((done - first.number) | 0) < 0) return false
    const { fields } = this.jobs[(first.number & 1) as 0 | 1]
    return fields[jobField.errorBytes] === 0 || done === this.fields[field.request]
  }

  /** Tells of all that is done, and wishes for a message when something is not. */
  private settle(): void {
    const { fields } = this
    do {
      while (this.isDone()) this.finish()
      if (this.handedOver.length === 0) return this.idle()
      Atomics.store(fields, field.wantMessage, 1)
      // It may have become done before the thread could see the wish; where that has taken it there will be a message.
    } while (this.isDone() && Atomics.exchange(fields, field.wantMessage, 0) === 1)
  }

  private finish(): void {
    const { number, path, done } = this.handedOver.shift()!
    const job = this.jobs[(number & 1) as 0 | 1]
    this.averageMs += (job.fields[jobField.tookUs]! / 1000 - this.averageMs) * 0.1
    const errorBytes = job.fields[jobField.errorBytes]!
    const chain = Buffer.from(job.chain)
    if (errorBytes === 0) return done(null, chain)
    this.handedOver.length = 0
    const [code, message] = job.error.toString('utf8', 0, errorBytes).split('\n')
    done(diskError(Object.assign(new Error(message), { code }), 'commit', path), chain)
  }

  async close(): Promise<void> {
    if (this.handedOver.length > 0) await new Promise<void>((resolve) => (this.idle = resolve))
    this.closing = true
    Atomics.store(this.fields, field.quit, 1)
    Atomics.add(this.fields, field.request, 1)
    Atomics.notify(this.fields, field.request)
    await this.worker.terminate()
  }
}
