import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Writer } from './writer.ts'

const mib = 1024 * 1024

test('what is large takes no more memory than it needs, and is given away without a copy', () => {
  const writer = new Writer()
  const value = Buffer.alloc(10 * mib, 'x')
  writer.u32(1)
  writer.ensure(value.length + 8)
  writer.bytes(value)
  writer.u32(2)
  const before = writer.buffer
  const written = writer.finish()
  assert.equal(written.length, value.length + 8)
  assert.equal(written.buffer, before.buffer)
  assert.ok(written.buffer.byteLength < 1.01 * value.length)
  assert.ok(writer.buffer.length < mib, 'the writer does not keep it')
  writer.u8(7)
  assert.deepEqual([...writer.finish()], [7])
  assert.equal(written.readUInt32BE(0), 1)
})
