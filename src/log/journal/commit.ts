import { assert } from '../../base/index.ts'
import { emptyExtent, entryKind, EntryReader, frameHeaderBytes, type ExtentEntry } from '../frame/index.ts'

/** A commit that is sealed: nothing is added any more. Its bytes lie in shared memory and are never changed. */
export interface SealedCommit {
  number: number
  /** Ms since 1970; never goes back. */
  timeMs: number
  /** Room for the frame header, then the entry table. */
  head: Buffer
  payload: PayloadRuns
  /** Positions of payloads that more than one extent names; null when there are none. */
  shared: ReadonlySet<number> | null
}

export const tableOf = (commit: SealedCommit): Buffer => commit.head.subarray(frameHeaderBytes)
export const bodyBytesOf = (commit: SealedCommit): number =>
  commit.head.length - frameHeaderBytes + commit.payload.bytes

/** The payloads of a commit, one after the other, as a few runs of memory. A payload never crosses from run to run. */
export class PayloadRuns {
  bytes = 0
  readonly runs: Buffer[] = []
  private readonly starts: number[] = []

  push(run: Buffer): void {
    this.starts.push(this.bytes)
    this.runs.push(run)
    this.bytes += run.length
  }

  /** Shares memory. */
  slice(position: number, bytes: number): Buffer {
    let i = this.starts.length - 1
    while (i > 0 && this.starts[i]! > position) i--
    const start = position - (this.starts[i] ?? 0)
    const run = this.runs[i]
    if (bytes === 0 || run === undefined) return none
    assert(start + bytes <= run.length, 'payload crosses runs')
    return run.subarray(start, start + bytes)
  }
}

const none = Buffer.alloc(0)

/** The positions that more than one extent of the table names. */
export function sharedPositions(table: Buffer): ReadonlySet<number> | null {
  const seen = new Set<number>()
  const shared = new Set<number>()
  eachExtent(table, ({ payloadPos }) => {
    if (seen.has(payloadPos)) shared.add(payloadPos)
    seen.add(payloadPos)
  })
  return shared.size === 0 ? null : shared
}

/** Calls `visit` for each extent of a table; the object it gets is valid only during the call. */
export function eachExtent(table: Buffer, visit: (extent: ExtentEntry) => void): void {
  const reader = new EntryReader(table)
  const extent = emptyExtent()
  while (reader.next()) {
    if (reader.kind !== entryKind.extent) continue
    reader.extent(extent)
    visit(extent)
  }
}
