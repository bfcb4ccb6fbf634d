import type { Failure } from '../../base/index.ts'
import { batchHeader } from '../../log/index.ts'
import type { OpResult, PublishOp } from '../facade/index.ts'
import { retain } from '../last-value/last-value.ts'
import { checkRecords } from '../publish/check-records.ts'
import { Copier, noHistory } from '../publish/copier.ts'
import { publish } from '../publish/publish.ts'
import { storeRefuses } from '../publish/room.ts'
import { defer } from '../schedule/index.ts'
import type { Session } from '../session/session.ts'
import type { Shard } from '../shard/shard.ts'

export function judgePublish(shard: Shard, op: PublishOp): Failure | null {
  const failure = storeRefuses(shard) ?? checkRecords(op)
  if (failure !== null || !op.retain || batchHeader.recordCount(op.batch) === 1) return failure
  return { error: 'invalid', detail: 'one record can be the last value, not several' }
}

export function publishOp(shard: Shard, session: Session, op: PublishOp): OpResult {
  const failure = judgePublish(shard, op)
  if (failure !== null) return failure
  if (op.due !== undefined && op.due > shard.now) return defer(shard, session.id, op, op.due)
  return { ok: publishNow(shard, session.id, op) }
}

/** A publish that has been judged. */
export function publishNow(shard: Shard, publisher: number, op: PublishOp): ReturnType<typeof publish> {
  const copier = new Copier(shard, op, {
    publisher,
    address: op.to[0] ?? null,
    history: noHistory,
    hops: 0,
    messageId: null,
  })
  shard.counters.recordsIn += copier.count
  shard.counters.bytesIn += op.batch.length
  const result = publish(shard, { to: op.to, copier, atMostOnce: op.atMostOnce ?? false, except: 0 })
  if (op.retain) retain(shard, publisher, op, copier)
  return result
}
