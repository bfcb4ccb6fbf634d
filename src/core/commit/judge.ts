import { MalformedError } from '../../base/index.ts'
import type { Failure } from '../../base/index.ts'
import { batchHeader, RecordTable } from '../../log/index.ts'
import type { Id, Op, PublishOp } from '../facade/index.ts'
import { recordsOf } from '../publish/publish.ts'
import { logFull, room, tooLargeFor } from '../publish/room.ts'
import { judgeDeferred, waitsIn } from '../schedule/index.ts'
import type { Session } from '../session/session.ts'
import type { LogState } from '../shard/log-state.ts'
import { fenced, notFound } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'
import { judgeAppend } from './append.ts'
import { judgePublish } from './publish.ts'

/** Records that the ops so far add to each log, or schedule of a namespace: those behind them must find room beside them. */
type Demand = Map<Id, number>

/** Why these ops cannot all be done; null: they can. Nothing has happened yet. */
export function judgeAll(shard: Shard, session: Session, ops: readonly Op[]): Failure | null {
  const demand: Demand = new Map()
  try {
    for (const op of ops) {
      const failure = judge(shard, session, op, demand)
      if (failure !== null) return failure
    }
  } catch (error) {
    if (error instanceof MalformedError) return { error: 'invalid', detail: error.message }
    throw error
  }
  return null
}

function judge(shard: Shard, session: Session, op: Op, demand: Demand): Failure | null {
  switch (op.op) {
    case 'append': {
      const { failure, log, duplicate } = judgeAppend(shard, op)
      if (failure !== null || log === null || duplicate !== null) return failure
      return take(shard, log, batchHeader.recordCount(op.batch), demand)
    }
    case 'publish':
      return judgePublish(shard, op) ?? judgeTargets(shard, session, op, demand)
    case 'settle':
      return shard.leased.has(op.subscription) ? null : notFound('subscription')
    default:
      return session.ended ? fenced : null
  }
}

/** Every log that it leads to takes all that is for it. A group of logs may pick another member when it comes to it. */
function judgeTargets(shard: Shard, session: Session, op: PublishOp, demand: Demand): Failure | null {
  if (op.due !== undefined && op.due > shard.now) return judgeDue(shard, op, demand)
  const count = batchHeader.lastOffsetDelta(op.batch) + 1
  let decoded: RecordTable | null = null
  const { targets } = shard.router.match(op.to, {
    publisher: session.id,
    atMostOnce: op.atMostOnce ?? false,
    count,
    foreign: op.foreign,
    table: () => (decoded ??= new RecordTable(op.batch)),
  })
  for (const { log, parts } of targets) {
    const state = shard.logs.get(log)
    if (state === undefined) continue
    const records = parts.reduce((sum, part) => sum + recordsOf(part, count), 0)
    const failure = tooLargeFor(shard, state, op.batch) ?? take(shard, state, records, demand)
    if (failure !== null) return failure
  }
  return null
}

function judgeDue(shard: Shard, op: PublishOp, demand: Demand): Failure | null {
  const namespace = waitsIn(shard, op)
  const ahead = demand.get(namespace) ?? 0
  demand.set(namespace, ahead + batchHeader.lastOffsetDelta(op.batch) + 1)
  return judgeDeferred(shard, namespace, ahead)
}

function take(shard: Shard, log: LogState, records: number, demand: Demand): Failure | null {
  const all = (demand.get(log.id) ?? 0) + records
  demand.set(log.id, all)
  return room(shard, log) < all ? logFull : null
}
