import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameCutter, FrameWriter } from './index.ts'

interface Seen {
  type: number
  channel: number
  payload: string
}

function cut(cutter: FrameCutter, chunks: readonly Buffer[]): { seen: Seen[]; failure: string | null } {
  const seen: Seen[] = []
  for (const chunk of chunks) {
    const failure = cutter.push(chunk, (type, channel, buffer, start, end) => {
      seen.push({ type, channel, payload: buffer.toString('hex', start, end) })
    })
    if (failure !== null) return { seen, failure }
  }
  return { seen, failure: null }
}

function frames(list: readonly { type: number; channel: number; payload: Uint8Array }[]): Buffer {
  const w = new FrameWriter()
  for (const { type, channel, payload } of list) {
    const begun = w.beginFrame(type, channel)
    w.bytes(payload)
    w.endFrame(begun)
  }
  return Buffer.from(w.take())
}

test('frames come out the same however the stream is cut into chunks', () => {
  const frame = fc.record({
    type: fc.constantFrom(1, 2, 3, 8),
    channel: fc.nat(65535),
    payload: fc.uint8Array({ maxLength: 300 }),
  })
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 20 }), fc.array(fc.nat(400), { maxLength: 40 }), (list, sizes) => {
      const stream = frames(list)
      const chunks: Buffer[] = []
      let at = 0
      for (const size of sizes) {
        chunks.push(stream.subarray(at, at + size))
        at = Math.min(at + size, stream.length)
      }
      chunks.push(stream.subarray(at))
      const { seen, failure } = cut(new FrameCutter(4096), chunks)
      assert.equal(failure, null)
      const expected = list.map((f) => ({ ...f, payload: Buffer.from(f.payload).toString('hex') }))
      assert.deepEqual(seen, expected)
    }),
  )
})

test('a frame in one chunk is handed over in place', () => {
  const stream = frames([{ type: 1, channel: 1, payload: Buffer.from('abc') }])
  new FrameCutter(4096).push(stream, (_type, _channel, buffer) => {
    assert.equal(buffer, stream)
  })
})

test('a size beyond frame_max fails before anything is allocated, also when the head arrives in pieces', () => {
  const lying = Buffer.from([1, 0, 1, 0xff, 0xff, 0xff, 0xff, 0])
  assert.equal(cut(new FrameCutter(4096), [lying]).failure, 'frame too large')
  assert.equal(cut(new FrameCutter(4096), [lying.subarray(0, 3), lying.subarray(3)]).failure, 'frame too large')
  const exact = frames([{ type: 3, channel: 1, payload: Buffer.alloc(4096) }])
  assert.equal(cut(new FrameCutter(4096), [exact]).failure, null)
  assert.equal(cut(new FrameCutter(4096), [exact.subarray(0, 3), exact.subarray(3)]).failure, null)
  const beyond = frames([{ type: 3, channel: 1, payload: Buffer.alloc(4097) }])
  assert.equal(cut(new FrameCutter(4096), [beyond]).failure, 'frame too large')
})

test('an octet other than 206 at the end of a frame fails', () => {
  const stream = frames([{ type: 1, channel: 0, payload: Buffer.from('abc') }])
  stream[stream.length - 1] = 0xcd
  assert.equal(cut(new FrameCutter(4096), [stream]).failure, 'frame end missing')
  assert.equal(cut(new FrameCutter(4096), [stream.subarray(0, 5), stream.subarray(5)]).failure, 'frame end missing')
})

test('any bytes at all give frames or a failure, never an exception', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (chunks) => {
      cut(
        new FrameCutter(4096),
        chunks.map((chunk) => Buffer.from(chunk)),
      )
    }),
  )
})

test('a writer whose slab runs out keeps the frame under way whole', () => {
  const w = new FrameWriter()
  const payload = Buffer.alloc(40_000, 7)
  const out: Buffer[] = []
  for (let i = 0; i < 5; i++) {
    const begun = w.beginFrame(3, i)
    w.bytes(payload)
    w.endFrame(begun)
    if (i % 2 === 0) out.push(w.take())
  }
  out.push(w.take())
  const { seen } = cut(new FrameCutter(131_072), out)
  assert.deepEqual(
    seen.map((f) => f.channel),
    [0, 1, 2, 3, 4],
  )
  assert.ok(seen.every((f) => f.payload === payload.toString('hex')))
})
