import { batchHeader } from '../../log/index.ts'
import { encodeExtentMeta, plainMeta } from '../extent-meta.ts'
import type { Id, OpResult, PublishOp } from '../facade/index.ts'
import { extentFlag } from '../shard/batches.ts'
import { notFound } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'
import { scheduleOf } from './install.ts'

/** Keeps a publish until it is due; it counts as one stored copy. It has been judged, and is not due yet. */
export function defer(shard: Shard, publisher: Id, op: PublishOp, due: number): OpResult {
  const [address, ...others] = op.to
  const space = address === undefined ? undefined : shard.catalogue.get(address.space)?.spec
  if (address === undefined || space?.kind !== 'space') return notFound('space')
  const schedule = scheduleOf(shard, space.namespace)
  const { partition, queue } = schedule.lanes[0]!
  const { deferredMax } = shard.limits
  if (queue.delayed + schedule.staged >= deferredMax) {
    return { error: 'full', detail: `${deferredMax} publishes wait for their time already` }
  }
  const { batch, foreign, priority = 0, expiresAt = null } = op
  const meta = encodeExtentMeta({
    ...plainMeta,
    publisher,
    address,
    others,
    priority,
    expiresAt,
    notBefore: Math.ceil(due),
  })
  const flags =
    (foreign ? extentFlag.foreign : 0) |
    (op.retain ? extentFlag.retain : 0) |
    (op.atMostOnce ? extentFlag.atMostOnce : 0)
  const count = batchHeader.lastOffsetDelta(batch) + 1
  const maxTimestamp = Math.max(0, batchHeader.maxTimestamp(batch))
  shard.stage.extent(partition, { count, maxTimestamp, flags, meta }, shard.stage.payload(batch))
  return { ok: { op: 'publish', logs: 1, sinks: 0 } }
}
