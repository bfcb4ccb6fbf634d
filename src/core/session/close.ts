import { dropItem } from '../catalogue/drop.ts'
import { put } from '../catalogue/partitions.ts'
import { judgePublish, publishNow } from '../commit/publish.ts'
import { detachAll } from '../consume/attach.ts'
import { storeRefuses } from '../publish/room.ts'
import { entryKind } from '../shard/entry-kinds.ts'
import type { Shard } from '../shard/shard.ts'
import { encodeAllSaved, encodeSession } from './codec.ts'
import type { Session, Will } from './session.ts'

const nothing = Buffer.alloc(0)
const timerMsMax = 3_600_000

/** Its whole value; or, if it is to leave nothing behind, that there is none. */
export function journalSession(shard: Shard, session: Session): void {
  shard.stage.entry(entryKind.session, session.id, session.durable ? encodeSession(session) : nothing)
}

/** The connection has gone. The session ends with it, or waits. */
export function disconnect(shard: Shard, session: Session, options: { keepMs?: number; wills: 'fire' | 'drop' }): void {
  const was = session.durable
  if (options.keepMs !== undefined) session.keepMs = options.keepMs
  if (options.wills === 'drop') session.wills = []
  detachAll(shard, session)
  session.leave()
  session.client = null
  if (!session.durable) return end(shard, session)
  session.leftAt = shard.now
  const now = session.wills.filter((will) => will.delayMs <= 0)
  session.wills = session.wills.filter((will) => will.delayMs > 0)
  fire(shard, session, now)
  journalSession(shard, session)
  if (!was) becomeDurable(shard, session)
  awaitReturn(shard, session)
}

/** What it has so far was to die with its connection. Behind the session: nothing is replayed for an unknown one. */
function becomeDurable(shard: Shard, session: Session): void {
  if (session.saved.size > 0) shard.stage.entry(entryKind.saved, session.id, encodeAllSaved(session))
  for (const id of session.owned) {
    const item = shard.catalogue.get(id)
    if (item?.volatile) put(shard, { ...item, volatile: false })
  }
}

/** Sets a timer to what is due first: a will, or the end. */
export function awaitReturn(shard: Shard, session: Session): void {
  session.cancelTimers()
  let due = session.leftAt + session.keepMs
  for (const will of session.wills) due = Math.min(due, session.leftAt + will.delayMs)
  if (due === Infinity) return
  const delay = Math.min(timerMsMax, Math.max(0, due - shard.now))
  session.timers.push(shard.world.timers.after(delay, () => expire(shard, session)))
}

function expire(shard: Shard, session: Session): void {
  if (session.ended || session.receiver !== null) return
  const since = shard.now - session.leftAt
  if (since >= session.keepMs) {
    end(shard, session)
  } else {
    const due = session.wills.filter((will) => will.delayMs <= since)
    session.wills = session.wills.filter((will) => will.delayMs > since)
    fire(shard, session, due)
    if (due.length > 0) journalSession(shard, session)
    awaitReturn(shard, session)
  }
  shard.stage.hard()
}

/** Nothing of it stays: its wills go out, what it owned is dropped, its state is gone (I15). */
export function end(shard: Shard, session: Session): void {
  if (session.ended) return
  session.cancelTimers()
  detachAll(shard, session)
  fire(shard, session, session.wills)
  session.wills = []
  for (const id of [...session.owned]) {
    const item = shard.catalogue.get(id)
    if (item !== undefined) dropItem(shard, item)
  }
  session.ended = true
  session.leave()
  shard.removeSession(session)
  if (session.name !== null) shard.stage.entry(entryKind.session, session.id, nothing)
}

function fire(shard: Shard, session: Session, wills: readonly Will[]): void {
  for (const will of wills) {
    if (storeRefuses(shard) !== null) fireLater(shard, session, will)
    else if (judgePublish(shard, will.publish) === null) publishNow(shard, session.id, will.publish)
  }
}

function fireLater(shard: Shard, session: Session, will: Will): void {
  if (shard.lateWills.empty) shard.whenStoreTakes.push(() => fireLate(shard))
  shard.lateWills.add(session, will)
}

function fireLate(shard: Shard): void {
  for (const session of shard.lateWills.take()) {
    fire(shard, session, session.lateWills.splice(0))
    if (session.durable && !session.ended) journalSession(shard, session)
  }
  shard.stage.hard()
}
