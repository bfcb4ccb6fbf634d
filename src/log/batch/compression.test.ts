import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressFrameSync, compressSync as compressLz4Block } from 'lz4-napi'
import { compressSync as compressSnappy } from 'snappy'
import { MalformedError } from '../../base/index.ts'
import { codecs, decompress } from './compression.ts'

const text = Buffer.from(Array.from({ length: 40_000 }, (_, i) => `line ${i % 97} of the record\n`).join(''))

function xerial(blocks: Buffer[]): Buffer {
  const head = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  const parts = blocks.flatMap((block) => {
    const size = Buffer.alloc(4)
    const data = compressSnappy(block)
    size.writeInt32BE(data.length)
    return [size, data]
  })
  return Buffer.concat([head, ...parts])
}

/** A frame whose second block refers back into the first, as `LZ4F_blockLinked` writers make them. */
function linkedFrame(first: Buffer, second: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x40, 0x70, 0])]
  for (const block of [compressLz4Block(first).subarray(4), compressLz4Block(second, first).subarray(4)]) {
    const size = Buffer.alloc(4)
    size.writeUInt32LE(block.length)
    parts.push(size, block)
  }
  parts.push(Buffer.alloc(4))
  return Buffer.concat(parts)
}

const forms: [string, number, Buffer][] = [
  ['gzip', codecs.gzip, gzipSync(text)],
  ['zstd', codecs.zstd, zstdCompressSync(text)],
  ['raw snappy', codecs.snappy, compressSnappy(text)],
  ['snappy stream', codecs.snappy, xerial([text.subarray(0, 32_768), text.subarray(32_768)])],
  ['lz4 frame', codecs.lz4, compressFrameSync(text)],
]

for (const [name, codec, packed] of forms) {
  test(`${name}: gives the bytes back, and refuses to go over the bound`, () => {
    assert.ok(decompress(codec, packed).equals(text))
    assert.ok(decompress(codec, packed, text.length).equals(text))
    assert.throws(() => decompress(codec, packed, text.length - 1), MalformedError)
    assert.throws(() => decompress(codec, packed.subarray(0, packed.length >> 1)), MalformedError)
  })
}

test('lz4 frame: linked blocks see the window before them; stored blocks pass through', () => {
  const noise = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919 + (i >> 3) * 31) & 0xff))
  assert.ok(decompress(codecs.lz4, linkedFrame(noise, noise)).equals(Buffer.concat([noise, noise])))
  const stored = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0, 3, 0, 0, 0x80, 1, 2, 3, 0, 0, 0, 0])
  assert.deepEqual([...decompress(codecs.lz4, stored)], [1, 2, 3])
})

test('a small batch that claims a gigabyte takes no memory', () => {
  const claim = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04, 0, 0])
  const before = process.memoryUsage().arrayBuffers
  assert.throws(() => decompress(codecs.snappy, claim), MalformedError)
  assert.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024)
})

test('an unknown codec is malformed input', () => {
  assert.throws(() => decompress(5, text), MalformedError)
})
