import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Staging } from './staging.ts'

test('a large payload with memory of its own is not copied; a part of something larger is', () => {
  const staging = new Staging(1)
  const own = Buffer.allocUnsafeSlow(1024 * 1024)
  const part = Buffer.allocUnsafeSlow(1024 * 1024).subarray(0, 300 * 1024)
  staging.stagePayload(own)
  staging.stagePayload(part)
  const { runs } = staging.view().payload
  assert.deepEqual(
    runs.map(({ length }) => length),
    [own.length, part.length],
  )
  assert.equal(runs[0]!.buffer, own.buffer)
  assert.equal(runs[1]!.buffer.byteLength, part.length)
})
