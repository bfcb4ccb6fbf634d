import type { RecordTable } from '../../log/index.ts'
import { put } from '../catalogue/partitions.ts'
import type { Address, Id, PublishOk } from '../facade/index.ts'
import type { Part, Target } from '../route/index.ts'
import type { LogState } from '../shard/log-state.ts'
import type { Shard } from '../shard/shard.ts'
import type { Copier } from './copier.ts'
import { comesRound } from './history.ts'
import { deadLetterRefused } from './refused.ts'
import { place } from './place.ts'
import { logFull, room, tooLargeFor } from './room.ts'

export interface Publishing {
  to: readonly Address[]
  copier: Copier
  atMostOnce: boolean
  /** A log that has its copy already. */
  except: Id
  /** Logs that were full for it: dead letters of one publication are not offered to them again. */
  refusedBy?: Set<Id>
}

type Refused = NonNullable<PublishOk['refused']>[number]

/** Routes a publication once and makes its copies: stored ones in the commit being filled, live ones in outboxes. */
export function publish(shard: Shard, publishing: Publishing): PublishOk {
  const { to, copier, atMostOnce, except } = publishing
  const { records, origin } = copier
  const publication = {
    publisher: origin.publisher,
    atMostOnce,
    count: copier.count,
    foreign: records.foreign,
    table: (): RecordTable => copier.table,
  }
  const match = shard.router.match(to, publication, except)
  let logs = 0
  let sinks = 0
  const refused: Refused[] = []
  for (const target of match.targets) {
    if (target.log !== 0) {
      const refusal = store(shard, target, publishing)
      if (refusal === null || refusal.runs[0]! > firstRecord(target.parts[0]!)) logs++
      if (refusal !== null) refused.push(refusal)
    } else if (handOver(shard, target, copier)) {
      sinks++
    }
  }
  const result: PublishOk = { op: 'publish', logs, sinks }
  const nobody = match.unrouted === 'all' || (logs === 0 && sinks === 0 && refused.length === 0)
  if (nobody) result.unrouted = 'all'
  else if (match.unrouted !== null) result.unrouted = match.unrouted
  if (refused.length > 0) result.refused = refused
  return result
}

/** Which records one log did not take; null: it took all that are for it. */
function store(shard: Shard, target: Target, publishing: Publishing): Refused | null {
  const { copier } = publishing
  const log = shard.logs.get(target.log)
  if (log === undefined || isBack(log, publishing)) return null
  const tooLarge = tooLargeFor(shard, log, copier.records.batch)
  if (tooLarge !== null) return { log: log.id, runs: restOf(target.parts, copier.count, 0), failure: tooLarge }
  let left = room(shard, log)
  for (const part of target.parts) {
    const taken = left >= copier.count ? part : firstOf(part, copier.count, left)
    if (taken !== null) append(shard, log, taken, copier)
    if (taken === part) {
      left -= recordsOf(part, copier.count)
      continue
    }
    const runs = restOf(target.parts, copier.count, taken === null ? firstRecord(part) : endOf(taken))
    const refusedBy = (publishing.refusedBy ??= new Set()).add(log.id)
    deadLetterRefused(shard, log, copier, runs, (to, letters) => {
      publish(shard, { to: [to], copier: letters, atMostOnce: false, except: 0, refusedBy })
    })
    return { log: log.id, runs, failure: logFull }
  }
  return null
}

/** A dead letter that has come back to where it died, or was refused. */
function isBack(log: LogState, { copier, refusedBy }: Publishing): boolean {
  const { history } = copier.origin
  return history.length > 0 && (refusedBy?.has(log.id) === true || comesRound(history, log))
}

function append(shard: Shard, log: LogState, part: Part, copier: Copier): void {
  const { priority, expiresAt, notBefore } = copier.records
  for (const { partition, runs } of place(shard, log, priority ?? 0, () => copier.table, part.runs)) {
    copier.append(partition, runs, part.routes)
  }
  if (expiresAt !== undefined || notBefore !== undefined) noteTimes(shard, log, expiresAt, notBefore)
}

/** Something with a time of its own was appended. */
export function noteTimes(shard: Shard, log: LogState, expiresAt?: number, notBefore?: number): void {
  if (expiresAt !== undefined) log.expires = true
  if (notBefore !== undefined) log.delays = true
  const item = shard.catalogue.get(log.id)
  if (item?.untimed) put(shard, { ...item, untimed: false })
}

export function recordsOf(part: Part, count: number): number {
  if (part.runs === null) return count
  let records = 0
  for (let r = 1; r < part.runs.length; r += 2) records += part.runs[r]!
  return records
}

const firstRecord = (part: Part): number => part.runs?.[0] ?? 0
const endOf = (part: Part): number => (part.runs === null ? 0 : part.runs.at(-2)! + part.runs.at(-1)!)

/** The records of all parts from index `from` on, as pairs (first, count). */
function restOf(parts: readonly Part[], count: number, from: number): number[] {
  const rest: number[] = []
  for (const { runs } of parts) {
    const all = runs ?? [0, count]
    for (let r = 0; r < all.length; r += 2) {
      const first = Math.max(all[r]!, from)
      const end = all[r]! + all[r + 1]!
      if (end > first) rest.push(first, end - first)
    }
  }
  return rest
}

/** The first `left` records of a part; the part itself if that is all of it, null if it is none. */
function firstOf(part: Part, count: number, left: number): Part | null {
  if (recordsOf(part, count) <= left) return part
  if (left <= 0) return null
  const runs: number[] = []
  const all = part.runs ?? [0, count]
  for (let r = 0, rest = left; rest > 0; r += 2) {
    const taken = Math.min(rest, all[r + 1]!)
    runs.push(all[r]!, taken)
    rest -= taken
  }
  return { runs, routes: part.routes }
}

/** False: nobody is there. */
function handOver(shard: Shard, target: Target, copier: Copier): boolean {
  const session = shard.sessions.get(target.session)
  if (session === undefined || session.receiver === null) return false
  const batch = copier.liveBatch
  for (const { runs, routes } of target.parts) {
    const all = runs ?? [0, batch.table.count]
    for (let r = 0; r < all.length; r += 2) {
      const count = all[r + 1]!
      session.deliveries.push({ consumer: 0, subscription: 0, batch, first: all[r]!, count, attempt: 1, routes })
      shard.counters.recordsOut += count
    }
  }
  shard.output(session)
  return true
}
