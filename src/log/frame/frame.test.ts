import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { Writer } from '../../base/index.ts'
import { sealHeader } from '../../world/index.ts'
import {
  aligned,
  bodyGood,
  emptyExtent,
  entryKind,
  EntryReader,
  fragmentsOf,
  frameAlign,
  frameHeaderBytes,
  frameKind,
  frameLayout,
  judgeHeader,
  partsOf,
  placeFrame,
  provesDamage,
  readFrameHeader,
  segmentHeaderBytes,
  writeEntryHead,
  writeExtentEntry,
  writeFrameHeader,
} from './index.ts'

const expected = {
  journalId: Buffer.alloc(16, 7),
  segmentSeq: 9,
  lsn: 12_345_678_901,
  number: 44,
  chain: Buffer.alloc(16, 3),
}

function sealedFrame(): Buffer {
  const frame = Buffer.alloc(frameHeaderBytes + 500, 1)
  writeFrameHeader(frame, {
    ...expected,
    kind: frameKind.data,
    flags: 0,
    part: 0,
    parts: 1,
    epoch: 2,
    commitTimeMs: 1_700_000_000_123,
    tableBytes: 100,
    payloadBytes: 400,
    commit: 40,
  })
  sealHeader(frameLayout, [frame], 0, 500)
  return Buffer.concat([frame, Buffer.alloc(frameAlign - frame.length)])
}

test('a frame reads back as it was written, and as the next one only where it is expected', () => {
  const frame = sealedFrame()
  const header = readFrameHeader(frame)!
  assert.equal(header.commitTimeMs, 1_700_000_000_123)
  assert.equal(header.lsn, expected.lsn)
  assert.ok(bodyGood(frame, header))
  assert.equal(judgeHeader(frame, 0, expected).found, 'frame')
  assert.equal(judgeHeader(frame, 0, { ...expected, segmentSeq: 10 }).found, 'end', 'an older frame of the slot')
  for (const other of [{ number: 45 }, { lsn: 5 }, { segmentSeq: 8 }, { chain: Buffer.alloc(16) }]) {
    assert.equal(judgeHeader(frame, 0, { ...expected, ...other }).found, 'other')
  }
  assert.equal(judgeHeader(Buffer.alloc(frameAlign), 0, expected).found, 'end')
  assert.ok(provesDamage(frame, 0, expected.journalId, 9, 43))
  assert.ok(!provesDamage(frame, 0, expected.journalId, 9, 44))
  assert.ok(!provesDamage(frame, 0, Buffer.alloc(16), 9, 43), 'a frame of another journal, in somebody’s payload')
})

test('any flipped bit of a frame is seen', () => {
  const frame = sealedFrame()
  for (let bit = 0; bit < (frameHeaderBytes + 500) * 8; bit += 3) {
    const rotten = Buffer.from(frame)
    rotten[bit >> 3]! ^= 1 << (bit & 7)
    const header = readFrameHeader(rotten)
    assert.ok(header === null || !bodyGood(rotten, header), `bit ${bit}`)
  }
})

test('entries: read(write(x)) = x', () => {
  const number = fc.integer({ min: 0, max: 2 ** 48 })
  const extent = fc.record({
    partition: number,
    baseOffset: number,
    count: fc.integer({ min: 1, max: 2 ** 31 }),
    maxTimestamp: fc.integer({ min: -1, max: 2 ** 44 }),
    flags: fc.integer({ min: 0, max: 65535 }),
    payloadPos: number,
    payloadBytes: number,
    meta: fc.uint8Array({ maxLength: 200 }),
  })
  const entry = fc.record({
    kind: fc.integer({ min: 0, max: 63 }),
    object: number,
    body: fc.uint8Array({ maxLength: 300 }),
  })
  fc.assert(
    fc.property(fc.array(fc.oneof(extent, entry), { maxLength: 20 }), (entries) => {
      const out = new Writer(16)
      for (const each of entries) {
        if ('kind' in each) {
          writeEntryHead(out, each.kind, each.object, each.body.length)
          out.bytes(each.body)
        } else {
          writeExtentEntry(out, each)
        }
      }
      const reader = new EntryReader(out.finish())
      for (const each of entries) {
        assert.ok(reader.next() && reader.mustUnderstand)
        if ('kind' in each) {
          assert.deepEqual([reader.kind, reader.object, [...reader.body]], [each.kind, each.object, [...each.body]])
          continue
        }
        assert.equal(reader.kind, entryKind.extent)
        const read = emptyExtent()
        reader.extent(read)
        assert.deepEqual({ ...read, meta: [...read.meta] }, { ...each, meta: [...each.meta] })
      }
      assert.ok(!reader.next())
    }),
  )
})

test('the pieces of a payload are where the frames put its bytes', () => {
  const shapes = fc.record({
    start: fc.integer({ min: 1, max: 15 }),
    frames: fc.integer({ min: 2, max: 4 }),
    bodyBytes: fc.integer({ min: 1, max: 60_000 }),
    from: fc.nat(60_000),
    bytes: fc.nat(60_000),
  })
  fc.assert(
    fc.property(shapes, ({ start, frames, bodyBytes, from, bytes }) => {
      const frameBytesMax = frames * frameAlign
      const segmentBytes = 16 * frameAlign
      const bodyPos = Math.min(from, bodyBytes - 1)
      const length = Math.min(bytes, bodyBytes - bodyPos)
      // The naive way: write byte after byte, frame after frame.
      const places: string[] = []
      const share = frameBytesMax - frameHeaderBytes
      let segment = 0
      let position = start * frameAlign
      for (let part = 0; part < partsOf(bodyBytes, frameBytesMax); part++) {
        const partBytes = Math.min(share, bodyBytes - part * share)
        if (placeFrame(position, frameHeaderBytes + partBytes, segmentBytes) < 0) {
          segment++
          position = segmentHeaderBytes
        }
        for (let i = 0; i < partBytes; i++) places.push(`${segment}/${position + frameHeaderBytes + i}`)
        position += aligned(frameHeaderBytes + partBytes)
      }
      const place = { position: start * frameAlign, segmentBytes, frameBytesMax, bodyBytes }
      const found = fragmentsOf(place, bodyPos, length).flatMap((piece) =>
        Array.from({ length: piece.bytes }, (_, i) => `${piece.segmentsOn}/${piece.position + i}`),
      )
      assert.deepEqual(found, places.slice(bodyPos, bodyPos + length))
    }),
    { numRuns: 60 },
  )
})
