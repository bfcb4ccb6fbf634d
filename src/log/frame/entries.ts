import { MalformedError, Reader, type Writer } from '../../base/index.ts'

/**
 * The entry table of a commit: entry after entry,
 *
 *   kind uvarint (code * 2, bit 0 = must understand) | bytes uvarint | object uvarint | body
 *
 * `bytes` counts the body. A code below 16 is the store's own, so that the commonest entries take one byte; the
 * core's kinds follow from 16 on. In memory the store's own kinds are 64 + code, the core's are below 64.
 */
export const entryKind = {
  /** object = partition: baseOffset, count, maxTimestamp (zigzag), flags, payloadPos, payloadBytes, meta (the rest). */
  extent: 64,
  /** object = partition, no body. */
  createPartition: 65,
  dropPartition: 66,
  /** object = partition: new start, bytes that died. */
  trim: 67,
  /** object = number of the checkpoint: begin segment, position, frame number. */
  checkpoint: 68,
  /** The span half's: an edit of the list of spans. */
  manifest: 69,
  /** The span half's, to be defined there. */
  spans: 70,
} as const

/** The lowest kind that is not the core's. */
export const ownKinds = 64
const ownCodes = 16

const codeOf = (kind: number): number => (kind >= ownKinds ? kind - ownKinds : kind + ownCodes)
const kindOf = (code: number): number => (code < ownCodes ? code + ownKinds : code - ownCodes)

export const uvarintBytes = (value: number): number => {
  let bytes = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes++
  return bytes
}

/** Everything before the body; the caller writes exactly `bodyBytes` after it. All our kinds must be understood. */
export function writeEntryHead(out: Writer, kind: number, object: number, bodyBytes: number): void {
  out.uvarint(codeOf(kind) * 2 + 1)
  out.uvarint(bodyBytes)
  out.uvarint(object)
}

const zigzag = (value: number): number => (value >= 0 ? value * 2 : value * -2 - 1)

export interface ExtentEntry {
  partition: number
  baseOffset: number
  count: number
  maxTimestamp: number
  flags: number
  /** From the start of the commit's payload, all parts joined. */
  payloadPos: number
  payloadBytes: number
  meta: Uint8Array
}

export function writeExtentEntry(out: Writer, extent: ExtentEntry): void {
  const timestamp = zigzag(extent.maxTimestamp)
  const bodyBytes =
    uvarintBytes(extent.baseOffset) +
    uvarintBytes(extent.count) +
    uvarintBytes(timestamp) +
    uvarintBytes(extent.flags) +
    uvarintBytes(extent.payloadPos) +
    uvarintBytes(extent.payloadBytes) +
    extent.meta.length
  writeEntryHead(out, entryKind.extent, extent.partition, bodyBytes)
  out.uvarint(extent.baseOffset)
  out.uvarint(extent.count)
  out.uvarint(timestamp)
  out.uvarint(extent.flags)
  out.uvarint(extent.payloadPos)
  out.uvarint(extent.payloadBytes)
  if (extent.meta.length > 0) out.bytes(extent.meta)
}

/** Walks a table in place. After `next()` returned true, `kind`, `object` and `body` are those of one entry. */
export class EntryReader {
  private readonly reader: Reader
  private readonly inside: Reader
  kind = 0
  object = 0
  mustUnderstand = false
  /** Where the entry, and where its body, begins in the table. */
  at = 0
  bodyAt = 0
  bodyEnd = 0

  constructor(table: Buffer, at = 0) {
    this.reader = new Reader(table, at)
    this.inside = new Reader(table, at)
  }

  /** Throws `MalformedError`: the body CRC was right, so this is a fault of who wrote it. */
  next(): boolean {
    const reader = this.reader
    if (reader.remaining === 0) return false
    this.at = reader.position
    const code = reader.uvarint()
    const bytes = reader.uvarint()
    this.mustUnderstand = code % 2 === 1
    this.kind = kindOf(Math.floor(code / 2))
    this.object = reader.uvarint()
    this.bodyAt = reader.take(bytes)
    this.bodyEnd = reader.position
    return true
  }

  get body(): Buffer {
    return this.reader.buffer.subarray(this.bodyAt, this.bodyEnd)
  }

  /** Fills `into` from the current entry, which must be an extent. `meta` is a slice of the table. */
  extent(into: ExtentEntry): void {
    const body = this.inside
    body.position = this.bodyAt
    body.end = this.bodyEnd
    into.partition = this.object
    into.baseOffset = body.uvarint()
    into.count = body.uvarint()
    into.maxTimestamp = unzigzag(body.uvarint())
    into.flags = body.uvarint()
    into.payloadPos = body.uvarint()
    into.payloadBytes = body.uvarint()
    into.meta = body.remaining === 0 ? none : body.bytes(body.remaining)
  }
}

const unzigzag = (raw: number): number => (raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2)

/** The extent whose entry begins at `at`. */
export function readExtentEntry(table: Buffer, at: number): ExtentEntry {
  const reader = new EntryReader(table, at)
  if (!reader.next() || reader.kind !== entryKind.extent) throw new MalformedError('no extent entry here')
  const extent = emptyExtent()
  reader.extent(extent)
  return extent
}

export const emptyExtent = (): ExtentEntry => ({
  partition: 0,
  baseOffset: 0,
  count: 0,
  maxTimestamp: 0,
  flags: 0,
  payloadPos: 0,
  payloadBytes: 0,
  meta: none,
})

const none = Buffer.alloc(0)
