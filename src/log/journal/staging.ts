import { assert, Writer } from '../../base/index.ts'
import { frameHeaderBytes, writeEntryHead, writeExtentEntry, type ExtentEntry } from '../frame/index.ts'
import type { ExtentFacts, Payload } from '../store.ts'
import { PayloadRuns, type SealedCommit } from './commit.ts'
import { largeBytes, Slabs } from './slabs.ts'

/** Where a staged payload stands in the payload of its commit. */
class StagedPayload implements Payload {
  readonly bytes: number
  readonly commit: number
  readonly position: number
  named = false

  constructor(bytes: number, commit: number, position: number) {
    this.bytes = bytes
    this.commit = commit
    this.position = position
  }
}

/** A large payload is seldom a part of something larger: then its memory stays what it is. */
function ownMemory(bytes: Uint8Array): Buffer {
  const { buffer, byteOffset, length } = bytes
  return buffer.byteLength <= length * 1.25 ? Buffer.from(buffer, byteOffset, length) : Buffer.from(bytes)
}

/** Less free than this at the start of a commit, and its table begins in a new slab. */
const tableRoomBytes = 64 * 1024

/** The commit being filled: its entry table and its payloads, written where they stay. */
export class Staging {
  number: number
  /** Extents staged so far; their partition's readers look here for what has no place in the journal yet. */
  extents = 0
  private entries = 0
  private readonly tables = new Slabs()
  private readonly payloads = new Slabs()
  private readonly table = new Writer(0)
  private tableStart = 0
  private payload = new PayloadRuns()
  private payloadBytes = 0
  private shared: Set<number> | null = null
  private runStart = 0
  private readonly scratch: ExtentEntry = emptyEntry()

  constructor(number: number) {
    this.number = number
    this.begin()
  }

  get empty(): boolean {
    return this.entries === 0 && this.payloadBytes === 0
  }

  /** Bytes of the commit's body so far. */
  get bytes(): number {
    return this.table.length - this.tableStart - frameHeaderBytes + this.payloadBytes
  }

  private begin(): void {
    if (!this.tables.fits(tableRoomBytes)) this.tables.renew()
    this.table.buffer = this.tables.slab
    this.table.length = this.tableStart = this.tables.used
    this.table.reserve(frameHeaderBytes)
    this.payload = new PayloadRuns()
    this.payloadBytes = 0
    this.shared = null
    this.runStart = this.payloads.used
    this.entries = this.extents = 0
  }

  stagePayload(bytes: Uint8Array): Payload {
    const payload = new StagedPayload(bytes.length, this.number, this.payloadBytes)
    this.payloadBytes += bytes.length
    if (bytes.length >= largeBytes) {
      this.endRun()
      this.payload.push(ownMemory(bytes))
      return payload
    }
    if (!this.payloads.fits(bytes.length)) {
      this.endRun()
      this.payloads.renew()
      this.runStart = 0
    }
    this.payloads.slab.set(bytes, this.payloads.used)
    this.payloads.used += bytes.length
    return payload
  }

  private endRun(): void {
    const used = this.payloads.used
    if (used > this.runStart) this.payload.push(this.payloads.slab.subarray(this.runStart, used))
    this.runStart = used
  }

  stageExtent(partition: number, extent: ExtentFacts, payload: Payload): void {
    assert(payload instanceof StagedPayload && payload.commit === this.number, 'payload of another commit')
    const entry = this.scratch
    entry.partition = partition
    entry.baseOffset = extent.baseOffset
    entry.count = extent.count
    entry.maxTimestamp = extent.maxTimestamp
    entry.flags = extent.flags
    entry.payloadPos = payload.position
    entry.payloadBytes = payload.bytes
    entry.meta = extent.meta
    writeExtentEntry(this.table, entry)
    if (payload.named) (this.shared ??= new Set()).add(payload.position)
    payload.named = true
    this.extents++
    this.entries++
  }

  stageEntry(kind: number, object: number, body: Uint8Array): void {
    writeEntryHead(this.table, kind, object, body.length)
    this.table.bytes(body)
    this.entries++
  }

  /** What is staged now, for readers: table and payloads, valid until `seal`. */
  view(): { table: Buffer; payload: PayloadRuns } {
    const payload = new PayloadRuns()
    for (const run of this.payload.runs) payload.push(run)
    if (this.payloads.used > this.runStart) payload.push(this.payloads.slab.subarray(this.runStart, this.payloads.used))
    return { table: this.table.buffer.subarray(this.tableStart + frameHeaderBytes, this.table.length), payload }
  }

  /** Closes this commit and begins the next. */
  seal(timeMs: number): SealedCommit {
    const { payload } = this.view()
    const head = this.table.buffer.subarray(this.tableStart, this.table.length)
    // A table that outgrew its slab was moved by the writer to memory of its own.
    if (this.table.buffer === this.tables.slab) this.tables.used = this.table.length
    const commit: SealedCommit = { number: this.number++, timeMs, head, payload, shared: this.shared }
    this.begin()
    return commit
  }
}

function emptyEntry(): ExtentEntry {
  return {
    partition: 0,
    baseOffset: 0,
    count: 0,
    maxTimestamp: 0,
    flags: 0,
    payloadPos: 0,
    payloadBytes: 0,
    meta: Buffer.alloc(0),
  }
}
