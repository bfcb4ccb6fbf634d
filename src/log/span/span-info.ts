import { Reader, Writer } from '../../base/index.ts'
import type { Life } from '../store.ts'
import { lives } from './footer.ts'
import { sidecarPath } from './sidecar.ts'

/** What the manifest says of a span; everything else stands in the span's own footer. */
export interface SpanInfo {
  /** Never reused. */
  id: number
  /** The segments whose records it holds. */
  firstSeq: number
  lastSeq: number
  /** The slot of an adopted segment; -1 when settled. */
  slot: number
  /** Null while adopted. */
  life: Life | null
  /** Of the file that holds the payloads: up to the last frame, or the whole span. */
  dataBytes: number
  /** Of the sidecar; 0 when settled. */
  sidecarBytes: number
  payloadBytes: number
  extents: number
  /** Commit time of its youngest record, ms since 1970. */
  newestAt: number
  /** Last commit of an adopted segment; 0 when settled. */
  lastFrame: number
  /** How many segments after an adopted one hold bytes of its payloads. */
  segmentsOn: number
}

export const adopted = (info: SpanInfo): boolean => info.slot >= 0

export const spanFolder = 'spans'

/** The id makes the name unique: one interval may be written twice. */
export const spanPath = (info: Pick<SpanInfo, 'id' | 'firstSeq' | 'lastSeq' | 'life'>): string =>
  `${spanFolder}/${info.firstSeq}-${info.lastSeq}.${info.id}.${info.life ?? 'mixed'}`

/** The file that holds its index. */
export const tablePath = (info: SpanInfo): string => (adopted(info) ? sidecarPath(info.firstSeq) : spanPath(info))
export const tableBytes = (info: SpanInfo): number => (adopted(info) ? info.sidecarBytes : info.dataBytes)
export const diskBytes = (info: SpanInfo): number => info.dataBytes + info.sidecarBytes

export function writeSpanInfo(out: Writer, info: SpanInfo): void {
  out.uvarint(info.id)
  out.uvarint(info.firstSeq)
  out.uvarint(info.lastSeq)
  out.uvarint(info.slot + 1)
  out.uvarint(info.life === null ? 0 : lives.indexOf(info.life) + 1)
  out.uvarint(info.dataBytes)
  out.uvarint(info.sidecarBytes)
  out.uvarint(info.payloadBytes)
  out.uvarint(info.extents)
  out.uvarint(info.newestAt)
  out.uvarint(info.lastFrame)
  out.uvarint(info.segmentsOn)
}

export function readSpanInfo(reader: Reader): SpanInfo {
  return {
    id: reader.uvarint(),
    firstSeq: reader.uvarint(),
    lastSeq: reader.uvarint(),
    slot: reader.uvarint() - 1,
    life: lives[reader.uvarint() - 1] ?? null,
    dataBytes: reader.uvarint(),
    sidecarBytes: reader.uvarint(),
    payloadBytes: reader.uvarint(),
    extents: reader.uvarint(),
    newestAt: reader.uvarint(),
    lastFrame: reader.uvarint(),
    segmentsOn: reader.uvarint(),
  }
}

/** An edit of the manifest: these spans go, those come, in one entry of the journal. */
export interface SpanEdit {
  removed: readonly number[]
  added: readonly SpanInfo[]
}

export function encodeEdit(edit: SpanEdit): Buffer {
  const out = new Writer(256)
  out.uvarint(edit.removed.length)
  for (const id of edit.removed) out.uvarint(id)
  out.uvarint(edit.added.length)
  for (const info of edit.added) writeSpanInfo(out, info)
  return out.finish()
}

/** Throws `MalformedError`. */
export function decodeEdit(bytes: Buffer): SpanEdit {
  const reader = new Reader(bytes)
  // Not `Array.from({ length })`: a count that lies would be believed before anything was read.
  const removed: number[] = []
  for (let left = reader.uvarint(); left > 0; left--) removed.push(reader.uvarint())
  const added: SpanInfo[] = []
  for (let left = reader.uvarint(); left > 0; left--) added.push(readSpanInfo(reader))
  return { removed, added }
}
