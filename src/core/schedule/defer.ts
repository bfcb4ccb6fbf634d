import type { Failure } from '../../base/index.ts'
import { batchHeader } from '../../log/index.ts'
import { encodeExtentMeta, plainMeta } from '../extent-meta.ts'
import type { Id, OpResult, PublishOp } from '../facade/index.ts'
import { extentFlag } from '../shard/batches.ts'
import { notFound } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'
import { scheduleOf } from './install.ts'

/** The namespace whose schedule it waits in; 0: none. */
export function waitsIn(shard: Shard, { to: [address] }: PublishOp): Id {
  const space = address === undefined ? undefined : shard.catalogue.get(address.space)?.spec
  return space?.kind === 'space' ? space.namespace : 0
}

/** `ahead`: records that the same commit adds to this schedule before. */
export function judgeDeferred(shard: Shard, namespace: Id, ahead: number): Failure | null {
  if (namespace === 0) return notFound('space')
  const { deferredMax } = shard.limits
  if (waiting(shard, namespace) + ahead < deferredMax) return null
  return { error: 'full', detail: `${deferredMax} publishes wait for their time already` }
}

function waiting(shard: Shard, namespace: Id): number {
  const schedule = shard.leased.get(shard.catalogue.get(namespace)?.schedule?.subscription ?? 0)
  return schedule === undefined ? 0 : schedule.lanes[0]!.queue.delayed + schedule.staged
}

/** Keeps a publish until it is due; it counts as one stored copy. It is not due yet. */
export function defer(shard: Shard, publisher: Id, op: PublishOp, due: number): OpResult {
  const namespace = waitsIn(shard, op)
  const failure = judgeDeferred(shard, namespace, 0)
  if (failure !== null) return failure
  const [address, ...others] = op.to
  const { partition } = scheduleOf(shard, namespace).lanes[0]!
  const { batch, foreign, priority = 0, expiresAt = null } = op
  const meta = encodeExtentMeta({
    ...plainMeta,
    publisher,
    address: address!,
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
