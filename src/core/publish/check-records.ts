import type { Failure } from '../../base/index.ts'
import { batchHeader } from '../../log/index.ts'
import type { Records } from '../facade/index.ts'

const invalid = (detail: string): Failure => ({ error: 'invalid', detail })

/** Is it one whole batch that can be stored? What stands inside the records is their maker's business. */
export function checkRecords({ batch }: Records): Failure | null {
  if (batch.length < batchHeader.batchHeaderBytes) return invalid('a batch is shorter than its header')
  if (batchHeader.magic(batch) !== 2) return invalid(`a batch of format ${batchHeader.magic(batch)}, expected 2`)
  if (batchHeader.batchBytes(batch) !== batch.length) return invalid('one batch, no less and no more')
  const count = batchHeader.recordCount(batch)
  if (count < 1 || batchHeader.lastOffsetDelta(batch) < count - 1) return invalid('a batch without records')
  if ((batchHeader.attributes(batch) & (batchHeader.transactionalBit | batchHeader.controlBit)) !== 0) {
    return {
      error: 'unsupported',
      detail: 'transactions that span requests are not supported: send the batch without one',
    }
  }
  return null
}
