import { crc32c, MalformedError, Reader, Writer } from '../../base/index.ts'
import { Damaged } from '../damaged.ts'
import type { Life } from '../store.ts'

/**
 * The last 4 KiB of a span, and of a sidecar index, little-endian:
 *
 *   magic "SPAN" 4 | version 1 | kind 1 (1 settled, 2 sidecar) | life 1 | 0 1 | journalId 16 | id 8
 *   firstSeq 8 | lastSeq 8 | createdAt 8 | extents 8 | payloadBytes 8 | segmentsOn 4
 *   chunks 4, position 8 of their pages | partitions 4, position 8 of the directory's pages
 *   replaced spans: count 4, id 8 each | zeros | 4092 crc32c 4
 */
export interface Footer {
  kind: 'settled' | 'sidecar'
  /** Null for a sidecar: a segment holds what came. */
  life: Life | null
  journalId: Buffer
  /** The span's; 0 for a sidecar, which is found by its segment. */
  id: number
  firstSeq: number
  lastSeq: number
  /** Ms since 1970. */
  createdAt: number
  extents: number
  /** Of all extents, shared payloads counted for each. */
  payloadBytes: number
  /** How many of the segments that follow hold bytes of a payload that begins here. */
  segmentsOn: number
  chunks: number
  chunksPosition: number
  partitions: number
  directoryPosition: number
  replaced: readonly number[]
}

export const footerBytes = 4096
const crcAt = footerBytes - 4
const magic = 0x4e415053
const version = 1
export const lives: readonly Life[] = ['consumed', 'hours', 'days', 'long', 'compacted']
const noLife = 0xff
/** As many ids as fit. They are for people and `repair`: the list that counts stands in the manifest. */
const replacedMax = 400

export function writeFooter(footer: Footer): Buffer {
  const out = new Writer(footerBytes)
  out.u32LE(magic)
  out.u8(version)
  out.u8(footer.kind === 'settled' ? 1 : 2)
  out.u8(footer.life === null ? noLife : lives.indexOf(footer.life))
  out.u8(0)
  out.bytes(footer.journalId.subarray(0, 16))
  out.u64LE(footer.id)
  out.u64LE(footer.firstSeq)
  out.u64LE(footer.lastSeq)
  out.u64LE(footer.createdAt)
  out.u64LE(footer.extents)
  out.u64LE(footer.payloadBytes)
  out.u32LE(footer.segmentsOn)
  out.u32LE(footer.chunks)
  out.u64LE(footer.chunksPosition)
  out.u32LE(footer.partitions)
  out.u64LE(footer.directoryPosition)
  const replaced = footer.replaced.slice(0, replacedMax)
  out.u32LE(replaced.length)
  for (const id of replaced) out.u64LE(id)
  const bytes = Buffer.alloc(footerBytes)
  out.view().copy(bytes)
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, crcAt)), crcAt)
  return bytes
}

/** Throws `Damaged`. `position`: where the footer begins in `file`. */
export function readFooter(bytes: Buffer, file: string, position: number): Footer {
  if (bytes.length < footerBytes || crc32c(bytes.subarray(0, crcAt)) !== bytes.readUInt32LE(crcAt)) {
    throw new Damaged(file, position, 'the footer fails its checksum')
  }
  if (bytes.readUInt32LE(0) !== magic) throw new Damaged(file, position, 'not a span: its footer has another magic')
  const found = bytes[4]!
  if (found !== version) throw new Damaged(file, position, `span version ${found}: written by a newer release`)
  try {
    return readFields(new Reader(bytes, 5))
  } catch (error) {
    if (error instanceof MalformedError) throw new Damaged(file, position, `the footer: ${error.message}`)
    throw error
  }
}

function readFields(reader: Reader): Footer {
  const kind = reader.u8() === 1 ? 'settled' : 'sidecar'
  const life = lives[reader.u8()] ?? null
  reader.take(1)
  const journalId = reader.bytes(16)
  const numbers = [0, 0, 0, 0, 0, 0].map(() => reader.u64LE())
  return {
    kind,
    life,
    journalId,
    id: numbers[0]!,
    firstSeq: numbers[1]!,
    lastSeq: numbers[2]!,
    createdAt: numbers[3]!,
    extents: numbers[4]!,
    payloadBytes: numbers[5]!,
    segmentsOn: reader.u32LE(),
    chunks: reader.u32LE(),
    chunksPosition: reader.u64LE(),
    partitions: reader.u32LE(),
    directoryPosition: reader.u64LE(),
    replaced: readReplaced(reader),
  }
}

function readReplaced(reader: Reader): number[] {
  const replaced: number[] = []
  for (let left = reader.u32LE(); left > 0; left--) replaced.push(reader.u64LE())
  return replaced
}
