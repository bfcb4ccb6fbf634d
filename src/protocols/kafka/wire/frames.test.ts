import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MalformedError } from '../../../base/index.ts'
import { Frames } from './frames.ts'

const frame = (bytes: Uint8Array): Buffer => {
  const head = Buffer.alloc(4)
  head.writeInt32BE(bytes.length)
  return Buffer.concat([head, bytes])
}

test('requests come out whole and in order, however the stream is cut', () => {
  const bodies = fc.array(fc.uint8Array({ minLength: 8, maxLength: 40 }), { maxLength: 6 })
  const property = fc.property(bodies, fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1 }), (wanted, cuts) => {
    const stream = Buffer.concat(wanted.map(frame))
    const frames = new Frames()
    const got: Buffer[] = []
    for (let at = 0, i = 0; at < stream.length; i++) {
      const end = at + cuts[i % cuts.length]!
      frames.push(stream.subarray(at, end))
      at = end
      for (let one = frames.next(); one !== null; one = frames.next()) got.push(one)
    }
    assert.deepEqual(
      got.map((one) => [...one]),
      wanted.map((one) => [...one]),
    )
    assert.equal(frames.pending, 0)
  })
  fc.assert(property)
})

test('a frame inside one chunk is a slice of it', () => {
  const chunk = frame(Buffer.alloc(20, 1))
  const frames = new Frames()
  frames.push(chunk)
  assert.equal(frames.next()!.buffer, chunk.buffer)
})

for (const size of [-1, 0, 7, 0x7fffffff]) {
  test(`a request of ${size} bytes is malformed`, () => {
    const head = Buffer.alloc(4)
    head.writeInt32BE(size)
    const frames = new Frames()
    frames.push(head)
    assert.throws(() => frames.next(), MalformedError)
  })
}

test('a large request is gathered in memory of its own, and what follows it is not lost', () => {
  const large = Buffer.alloc(1_000_000, 'L')
  const small = Buffer.alloc(20, 's')
  for (const cut of [999, 65_536, 300_000, 2_000_000]) {
    const stream = Buffer.concat([frame(small), frame(large), frame(small), frame(large)])
    const frames = new Frames()
    const got: number[] = []
    for (let at = 0; at < stream.length; at += cut) {
      frames.push(stream.subarray(at, at + cut))
      for (let one = frames.next(); one !== null; one = frames.next()) {
        assert.ok(one.equals(one.length === 20 ? small : large))
        got.push(one.length)
      }
      assert.ok([0, 20, 1_000_000].includes(frames.arriving))
    }
    assert.deepEqual(got, [20, 1_000_000, 20, 1_000_000])
    assert.equal(frames.pending, 0)
    assert.equal(frames.arriving, 0)
  }
})

test('memory of what was copied is given back at once, that of slices is not', () => {
  const bytes = Buffer.concat([20, 100, 30, 400_000, 40].map((size, i) => frame(Buffer.alloc(size, i + 1))))
  for (const step of [1, 7, 64, 150, 65_536]) {
    const frames = new Frames()
    const chunks: Buffer[] = []
    const given: Buffer[] = []
    for (let at = 0; at < bytes.length; at += step) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(step, bytes.length - at))
      bytes.copy(chunk, 0, at)
      chunks.push(chunk)
      frames.push(chunk)
      for (let one = frames.next(); one !== null; one = frames.next()) given.push(one)
    }
    assert.deepEqual(
      given.map((one) => [one.length, new Set(one).size, one[0]]),
      [20, 100, 30, 400_000, 40].map((size, i) => [size, 1, i + 1]),
    )
    const kept = chunks.filter((chunk) => chunk.length > 0)
    const sliced = new Set(given.map((one) => one.buffer))
    assert.ok(
      kept.every((chunk) => sliced.has(chunk.buffer)),
      `chunks of ${step} bytes`,
    )
  }
})
