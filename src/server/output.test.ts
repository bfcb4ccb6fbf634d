import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Connection } from '../world/index.ts'
import { coalesce, Output } from './output.ts'

test('coalescing changes no byte', () => {
  const chunk = fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.constant(new Uint8Array(5000).fill(7)))
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 20 }), (chunks) => {
      assert.ok(Buffer.concat(coalesce(chunks)).equals(Buffer.concat(chunks)))
    }),
  )
})

test('small chunks are joined, large ones are passed as they are', () => {
  const large = new Uint8Array(5000)
  const slice = new Uint8Array(1024 * 1024).subarray(0, 5000)
  const small = new Uint8Array(10)
  const out = coalesce([small, small, large, small, small, small])
  assert.deepEqual(
    out.map((chunk) => chunk.length),
    [20, 5000, 30],
  )
  assert.equal(out[1], large)
  const [run, ...others] = coalesce([small, slice, small])
  assert.equal(run?.length, 5020, 'a slice would keep the whole slab')
  assert.equal(others.length, 0)
})

test('slices that are most of their memory pass as they are, together and with small chunks between', () => {
  const block = new Uint8Array(256 * 1024)
  const slices = Array.from({ length: 8 }, (_, i) => block.subarray(i * 16_384, (i + 1) * 16_384))
  const out = coalesce(slices.flatMap((slice) => [new Uint8Array(16), slice]))
  assert.deepEqual(
    out.filter(({ length }) => length > 16),
    slices,
  )
  assert.ok(out.every((chunk) => chunk.length === 16 || chunk.buffer === block.buffer))
})

/** A socket that takes nothing until it is told to. */
class Socket implements Connection {
  readonly address = ''
  readonly local = true
  buffered = 0
  readonly pieces: (readonly Uint8Array[])[] = []
  send(chunks: readonly Uint8Array[]): void {
    this.pieces.push(chunks)
    for (const { length } of chunks) this.buffered += length
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

test('a piece for the socket keeps little more memory than it sends, and every byte is sent', () => {
  const socket = new Socket()
  const output = new Output(socket)
  const memory = (chunks: readonly Uint8Array[]): number =>
    [...new Set(chunks.map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0)
  // Of some memory most is sent, of some a little.
  for (let i = 0; i < 12; i++) {
    const block = new Uint8Array(1024 * 1024)
    for (let at = 0; at < (i % 3 === 0 ? 900_000 : 300_000); at += 100_000)
      output.push(block.subarray(at, at + 100_000))
  }
  const owed = output.bytes
  output.flush()
  let seen = 0
  for (let count = 1; output.bytes > 0; count++) {
    assert.equal(socket.pieces.length, count)
    const piece = socket.pieces.at(-1)!
    for (const { length } of piece) seen += length
    assert.ok(memory(piece) <= 4 * 1024 * 1024, `${memory(piece)} bytes of memory for one piece`)
    socket.buffered = 0
    output.taken()
  }
  assert.equal(seen, owed)
})

test('who wants to know when what he wrote was taken is told then, in turn, and not before', () => {
  const socket = new Socket()
  const output = new Output(socket)
  const told: string[] = []
  const mark = (name: string): void => output.whenTaken(() => told.push(name))
  mark('nothing was written')
  output.push(new Uint8Array(10))
  mark('first')
  output.flush()
  output.push(new Uint8Array(3 * 1024 * 1024))
  output.push(new Uint8Array(1024 * 1024))
  mark('second')
  output.push(new Uint8Array(10))
  mark('third')
  output.flush()
  assert.deepEqual(told, ['nothing was written'])
  const take = (): void => {
    socket.buffered = 0
    output.taken()
  }
  take()
  assert.deepEqual(told, ['nothing was written', 'first'])
  while (output.bytes > 0) take()
  assert.deepEqual(told, ['nothing was written', 'first', 'second', 'third'])
})
