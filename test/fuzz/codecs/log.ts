import assert from 'node:assert/strict'
import { crc32c, MalformedError, Reader, Writer } from '../../../src/base/index.ts'
import { Damaged } from '../../../src/log/damaged.ts'
import {
  emptyExtent,
  entryKind,
  EntryReader,
  frameAlign,
  frameBytes,
  frameHeaderBytes,
  frameKind,
  frameLayout,
  frameVersion,
  judgeHeader,
  readFrameHeader,
  readSegmentHeader,
  segmentHeaderBytes,
  segmentHeaderUsed,
  writeEntryHead,
  writeExtentEntry,
  writeFrameHeader,
  writeSegmentHeader,
  type ExtentEntry,
} from '../../../src/log/frame/index.ts'
import { Chunk } from '../../../src/log/index-pages/chunk.ts'
import { decodeEntries, EntryEncoder } from '../../../src/log/span/entries.ts'
import { footerBytes, readFooter, writeFooter, type Footer } from '../../../src/log/span/footer.ts'
import type { LocatedExtent } from '../../../src/log/span/located-extent.ts'
import { decodeEdit, encodeEdit, type SpanInfo } from '../../../src/log/span/span-info.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'
import { refused, type Codec } from '../codec.ts'

const number = (random: SimRandom): number => random.below(2 ** (1 + random.below(random.once(4) ? 50 : 12)))

const journalId = Buffer.alloc(16, 7)
const expected = { journalId, segmentSeq: 9, lsn: 1234, number: 44, chain: Buffer.alloc(16, 3) }

const resealed = (input: Buffer, crcAt: number): Buffer => {
  if (input.length < crcAt + 4) return input
  input.writeUInt32LE(crc32c(input.subarray(0, crcAt)), crcAt)
  return input
}

/** A page of a segment: a frame's header, as recovery judges it. */
const frame: Codec = {
  name: 'log-frame',
  seeds: [],
  roundTrip(random) {
    const bytes = Buffer.alloc(frameHeaderBytes)
    const header = {
      ...expected,
      kind: frameKind.data,
      flags: random.below(0x1_0000),
      part: random.below(9),
      parts: 9,
      epoch: number(random),
      commitTimeMs: number(random),
      tableBytes: random.below(2 ** 32),
      payloadBytes: random.below(2 ** 32),
      commit: number(random),
    }
    writeFrameHeader(bytes, header)
    const sealed = resealed(bytes, frameLayout.headerCrcAt)
    assert.deepStrictEqual(readFrameHeader(sealed), { ...header, version: frameVersion, bodyCrc: 0 })
    return sealed
  },
  mend: (input) => resealed(input, frameLayout.headerCrcAt),
  take(input) {
    const found = judgeHeader(input, 0, expected)
    if (found.found !== 'frame') return false
    assert.ok(frameBytes(found.header) >= frameHeaderBytes)
    return true
  },
}

/** The first page of a segment. */
const segment: Codec = {
  name: 'log-segment',
  seeds: [],
  roundTrip(random) {
    const header = {
      major: 1,
      minor: random.below(9),
      journalId,
      segmentSeq: number(random),
      startLsn: number(random),
      firstFrame: number(random),
      firstCommit: number(random),
      epoch: number(random),
      chain: Buffer.alloc(16, 3),
      segmentBytes: number(random),
      frameBytesMax: frameAlign,
      requiredFlags: random.below(2 ** 32),
      optionalFlags: random.below(2 ** 32),
      createdAt: number(random),
    }
    const bytes = Buffer.alloc(segmentHeaderBytes)
    writeSegmentHeader(bytes, header)
    assert.deepStrictEqual(readSegmentHeader(bytes), header)
    return bytes.subarray(0, segmentHeaderUsed)
  },
  mend: (input) => resealed(input, segmentHeaderUsed - 4),
  take: (input) => readSegmentHeader(input) !== null,
}

function extent(random: SimRandom): ExtentEntry {
  return {
    partition: number(random),
    baseOffset: number(random),
    count: 1 + random.below(1000),
    maxTimestamp: number(random) - 1,
    flags: random.below(256),
    payloadPos: number(random),
    payloadBytes: number(random),
    meta: random.bytes(random.below(20)),
  }
}

/** The entry table of a commit. */
const entries: Codec = {
  name: 'log-entries',
  seeds: [],
  roundTrip(random) {
    const out = new Writer(256)
    const extents = Array.from({ length: random.below(5) }, () => extent(random))
    for (const each of extents) {
      writeExtentEntry(out, each)
      const body = random.bytes(random.below(9))
      writeEntryHead(out, random.below(64), number(random), body.length)
      out.bytes(body)
    }
    const bytes = out.finish()
    const reader = new EntryReader(bytes)
    for (const each of extents) {
      const found = emptyExtent()
      assert.ok(reader.next() && reader.kind === entryKind.extent)
      reader.extent(found)
      assert.deepStrictEqual({ ...found, meta: Buffer.from(found.meta) }, each)
      assert.ok(reader.next())
    }
    assert.ok(!reader.next())
    return bytes
  },
  take: (input) =>
    !refused(() => {
      const reader = new EntryReader(input)
      while (reader.next()) {
        assert.ok(reader.body.length <= input.length)
        if (reader.kind === entryKind.extent) reader.extent(emptyExtent())
      }
    }, MalformedError),
}

function footerOf(random: SimRandom): Footer {
  return {
    kind: random.once(2) ? 'settled' : 'sidecar',
    life: random.once(2) ? null : 'days',
    journalId,
    id: number(random),
    firstSeq: number(random),
    lastSeq: number(random),
    createdAt: number(random),
    extents: number(random),
    payloadBytes: number(random),
    segmentsOn: random.below(9),
    chunks: random.below(2 ** 32),
    chunksPosition: number(random),
    partitions: random.below(2 ** 32),
    directoryPosition: number(random),
    replaced: Array.from({ length: random.below(5) }, () => number(random)),
  }
}

/** The last page of a span. */
const footer: Codec = {
  name: 'log-footer',
  seeds: [],
  roundTrip(random) {
    const value = footerOf(random)
    const bytes = writeFooter(value)
    assert.deepStrictEqual(readFooter(bytes, 'span', 0), value)
    return bytes
  },
  mend(input) {
    const page = Buffer.alloc(footerBytes)
    input.copy(page)
    return resealed(page, footerBytes - 4)
  },
  take: (input) => !refused(() => void readFooter(input, 'span', 0), Damaged),
}

function located(random: SimRandom, baseOffset: number): LocatedExtent {
  const pieces = Array.from({ length: 1 + random.below(3) }, () => {
    return { segmentsOn: random.below(3), position: random.below(2 ** 30), bytes: random.below(2 ** 20) }
  })
  return {
    baseOffset,
    count: 1 + random.below(100),
    maxTimestamp: random.below(2 ** 40),
    appendTime: random.below(2 ** 40),
    flags: random.below(9),
    meta: random.bytes(random.below(9)),
    pieces,
    bytes: pieces.reduce((sum, piece) => sum + piece.bytes, 0),
    crc: random.below(2 ** 32),
    shared: random.once(2),
  }
}

/** A chunk of a span's index. */
const chunk: Codec = {
  name: 'log-chunk',
  seeds: [],
  roundTrip(random) {
    const encoder = new EntryEncoder(new Writer(256))
    encoder.begin(100)
    const extents: LocatedExtent[] = []
    let offset = 100
    for (let i = random.below(5); i > 0; i--) {
      const each = located(random, offset + random.below(3))
      extents.push(each)
      encoder.add(each)
      offset = each.baseOffset + each.count
    }
    const bytes = encoder.out.finish()
    assert.deepStrictEqual(decodeEntries(bytes, 100), extents)
    return bytes
  },
  take: (input) => !refused(() => void decodeEntries(input, 100), MalformedError),
}

function spanInfo(random: SimRandom): SpanInfo {
  const settled = random.once(2)
  return {
    id: number(random),
    firstSeq: number(random),
    lastSeq: number(random),
    slot: settled ? -1 : random.below(99),
    life: settled ? 'hours' : null,
    dataBytes: number(random),
    sidecarBytes: number(random),
    payloadBytes: number(random),
    extents: number(random),
    newestAt: number(random),
    lastFrame: number(random),
    segmentsOn: random.below(9),
  }
}

/** An edit of the manifest. */
const edit: Codec = {
  name: 'log-manifest',
  seeds: [],
  roundTrip(random) {
    const removed = Array.from({ length: random.below(4) }, () => number(random))
    const added = Array.from({ length: random.below(3) }, () => spanInfo(random))
    const bytes = encodeEdit({ removed, added })
    assert.deepStrictEqual(decodeEdit(bytes), { removed, added })
    return bytes
  },
  take: (input) => !refused(() => void decodeEdit(input), MalformedError),
}

/** A run of a partition's list of spans. */
const pages: Codec = {
  name: 'log-index',
  seeds: [],
  roundTrip(random) {
    const first = new Chunk()
    let offset = 0
    for (let i = random.below(6); i > 0; i--) first.insert(first.count, (offset += 1 + number(random)), 3, 9)
    const out = new Writer(64)
    first.encode(out)
    const bytes = out.finish()
    const again = Chunk.decode(new Reader(bytes))
    assert.equal(again.count, first.count)
    for (let i = 0; i < first.count; i++) assert.equal(again.firstOffset(i), first.firstOffset(i))
    return bytes
  },
  take: (input) => !refused(() => void Chunk.decode(new Reader(input)), MalformedError),
}

export const logCodecs: readonly Codec[] = [frame, segment, entries, footer, chunk, edit, pages]
