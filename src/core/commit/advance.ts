import { encodePositions } from '../consume/positional.ts'
import { ensurePositional } from '../catalogue/subscriptions.ts'
import type { AdvanceOp, OpResult } from '../facade/index.ts'
import { entryKind } from '../shard/entry-kinds.ts'
import { notFound } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'

export function advance(shard: Shard, op: AdvanceOp): OpResult {
  const log = shard.logs.get(op.log)
  if (log === undefined) return notFound('log')
  const isThere = (index: number): boolean => log.partition(index) !== null || log.isUnusedLane(index)
  if (!op.positions.every(({ partition }) => isThere(partition))) return notFound('partition')
  const positional = ensurePositional(shard, log, op.subscription)
  const body = encodePositions(op.positions)
  positional.apply(body)
  positional.usedAt = shard.monotonic
  shard.stage.entry(entryKind.positions, positional.id, body)
  return { ok: { op: 'advance' } }
}
