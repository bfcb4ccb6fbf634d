import { assert } from '../../base/index.ts'
import type { Failure } from '../../base/index.ts'
import { batchHeader } from '../../log/index.ts'
import { lane } from '../catalogue/partitions.ts'
import type { AppendOk, AppendOp, Id, OpResult } from '../facade/index.ts'
import { checkRecords } from '../publish/check-records.ts'
import { Copier, noHistory } from '../publish/copier.ts'
import { place } from '../publish/place.ts'
import { noteTimes, publish } from '../publish/publish.ts'
import { deadLetterRefused } from '../publish/refused.ts'
import { logFull, room, storeRefuses, tooLargeFor } from '../publish/room.ts'
import { Producers } from '../producer/producers.ts'
import type { Session } from '../session/session.ts'
import type { LogState } from '../shard/log-state.ts'
import type { Partition } from '../shard/partition.ts'
import { notFound } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'

interface Judged {
  failure: Failure | null
  log: LogState | null
  partition: Partition | null
  /** It was appended before. */
  duplicate: AppendOk | null
}

const refuse = (failure: Failure): Judged => ({ failure, log: null, partition: null, duplicate: null })
const noRoutes: readonly Id[] = []

/** All verdicts on an append, in the order of model 1.3: duplicates first, then what would hinder a new one. */
export function judgeAppend(shard: Shard, op: AppendOp): Judged {
  const log = logOf(shard, op.log)
  if (log === undefined) return refuse(notFound('log'))
  const broken = checkRecords(op)
  if (broken !== null) return refuse(broken)
  let partition: Partition | null = null
  if (op.partition !== undefined) {
    partition = log.partition(op.partition)
    if (partition === null && (log.spec.lanes === undefined || op.partition > log.spec.lanes))
      return refuse(notFound('partition'))
  }
  const before = duplicateOf(log, partition, op, shard.now)
  if (before !== null && 'error' in before) return refuse(before)
  if (before !== null) return { failure: null, log, partition, duplicate: before }
  const full =
    storeRefuses(shard) ??
    tooLargeFor(shard, log, op.batch) ??
    (room(shard, log) < batchHeader.recordCount(op.batch) ? logFull : null)
  return full === null ? { failure: null, log, partition, duplicate: null } : refuse(full)
}

function logOf(shard: Shard, log: AppendOp['log']): LogState | undefined {
  const id = typeof log === 'number' ? log : shard.catalogue.log(log.namespace, log.name)?.id
  return id === undefined ? undefined : shard.logs.get(id)
}

/** The answer of the first append of a retry; or why it cannot be one, nor a new one. */
function duplicateOf(log: LogState, partition: Partition | null, op: AppendOp, now: number): AppendOk | Failure | null {
  const first = op.messageId === undefined ? undefined : log.dedupe?.find(op.messageId, now)
  if (first !== undefined) {
    const start = log.partition(first.partition)?.start ?? 0
    return { op: 'append', ...first, start, duplicate: true }
  }
  if (op.producer === undefined) return null
  if (
    batchHeader.producerId(op.batch) !== op.producer.id ||
    batchHeader.baseSequence(op.batch) !== op.producer.sequence
  ) {
    return { error: 'invalid', detail: 'the batch names another producer or sequence than the append' }
  }
  if (op.producer.epoch < 0 || op.producer.sequence < 0) {
    return { error: 'invalid', detail: 'a producer has an epoch and a sequence, 0 or above' }
  }
  if (op.partition === undefined) return { error: 'invalid', detail: 'a producer with sequences names its partition' }
  const verdict = partition?.producers?.check(op.producer, batchHeader.recordCount(op.batch))
  switch (verdict?.verdict) {
    case 'duplicate': {
      const { baseOffset, appendTime } = verdict
      return { op: 'append', partition: op.partition, baseOffset, appendTime, start: partition!.start, duplicate: true }
    }
    case 'fenced':
      return { error: 'fenced', detail: `the producer is at epoch ${verdict.epoch} by now` }
    case 'outOfOrder':
      return { error: 'outOfOrder', detail: `expected sequence ${verdict.expected}` }
    default:
      return null
  }
}

export function append(shard: Shard, session: Session, op: AppendOp): OpResult {
  const { failure, log, partition, duplicate } = judgeAppend(shard, op)
  if (failure === logFull) deadLetterAll(shard, session, op)
  if (failure !== null) return failure
  assert(log !== null, 'judged')
  if (duplicate !== null) {
    shard.stage.tell(log.partition(duplicate.partition)!, duplicate.baseOffset)
    return { ok: duplicate }
  }
  const address = log.address
  const copier = new Copier(shard, op, {
    publisher: session.id,
    address,
    history: noHistory,
    hops: 0,
    messageId: log.dedupe === null ? null : (op.messageId ?? null),
  })
  if (!op.foreign && address !== null && shard.router.leadsOn(address, log.id)) copier.check()
  const ok = appendTo(shard, log, partition, op, copier)
  if (address !== null) publish(shard, { to: [address], copier, atMostOnce: false, except: log.id })
  return { ok }
}

/** The log refused all of it: what its policy sends elsewhere goes there. */
function deadLetterAll(shard: Shard, session: Session, op: AppendOp): void {
  const log = logOf(shard, op.log)
  if (log === undefined) return
  const origin = { publisher: session.id, address: log.address, history: noHistory, hops: 0, messageId: null }
  const copier = new Copier(shard, op, origin)
  deadLetterRefused(shard, log, copier, [0, copier.table.count], (to, letters) => {
    publish(shard, { to: [to], copier: letters, atMostOnce: false, except: 0 })
  })
}

function appendTo(shard: Shard, log: LogState, named: Partition | null, op: AppendOp, copier: Copier): AppendOk {
  shard.counters.recordsIn += copier.count
  shard.counters.bytesIn += op.batch.length
  const appendTime = shard.now
  let first: { partition: number; baseOffset: number; start: number } | null = null
  const at = named ?? (op.partition === undefined ? null : lane(shard, log, op.partition))
  const placed =
    at !== null ? [{ partition: at, runs: null }] : place(shard, log, op.priority ?? 0, () => copier.table, null)
  for (const { partition, runs } of placed) {
    const baseOffset = copier.append(partition, runs, noRoutes, op.producer !== undefined)
    first ??= { partition: partition.index, baseOffset, start: partition.start }
    if (op.producer !== undefined) {
      partition.producers ??= new Producers()
      partition.producers.record(op.producer, copier.count, baseOffset, appendTime)
    }
  }
  if (op.producer !== undefined || op.messageId !== undefined) shard.stage.changed.add(log.id)
  if (op.expiresAt !== undefined || op.notBefore !== undefined) noteTimes(shard, log, op.expiresAt, op.notBefore)
  if (op.messageId !== undefined) log.dedupe?.record(op.messageId, { ...first!, appendTime })
  return { op: 'append', ...first!, appendTime, duplicate: false }
}
