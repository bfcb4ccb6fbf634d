import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeliveredBatch } from '../../../core/index.ts'
import { BatchBuilder, RecordTable } from '../../../log/index.ts'
import { ForeignBatches } from './foreign.ts'

function batchOf(text: string): DeliveredBatch {
  const builder = new BatchBuilder()
  builder.add(1000, null, Buffer.from(text))
  const bytes = builder.finish()
  return { partition: 0, baseOffset: 100, table: new RecordTable(bytes), bytes } as unknown as DeliveredBatch
}

test('a batch is expanded once, and not taken for another one of its offset', () => {
  const batches = new ForeignBatches(1_000_000)
  const first = batches.expand(7, batchOf('first'))
  assert.equal(batches.expand(7, batchOf('first')), first)
  const other = new RecordTable(batches.expand(7, batchOf('other')))
  assert.equal(other.value(0)?.toString(), 'other')
})
