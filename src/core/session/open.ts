import type { Outcome } from '../../base/index.ts'
import type { OpenOptions, Opened, Receiver } from '../facade/index.ts'
import { notFound } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'
import { disconnect, end, journalSession } from './close.ts'
import { Session } from './session.ts'

export function open(shard: Shard, options: OpenOptions, receiver: Receiver): Outcome<Opened> {
  if (shard.catalogue.get(options.namespace)?.spec.kind !== 'namespace') return notFound('namespace')
  let known = options.name === undefined ? undefined : shard.named(options.namespace, options.name)
  if (known !== undefined && known.receiver !== null) {
    if (options.ifActive === 'refuse') return { error: 'inUse', detail: 'a client of this name is connected' }
    shard.farewell(known)
    disconnect(shard, known, { wills: 'fire' })
    if (known.ended) known = undefined
  }
  if (known !== undefined && options.clean) {
    end(shard, known)
    known = undefined
  }
  const resumed = known !== undefined
  const session = known ?? newSession(shard, options)
  if (resumed) session.epoch++
  session.cancelTimers()
  session.user = options.user
  session.keepMs = options.keepMs ?? 0
  session.wills = options.wills ?? []
  session.client = options.client ?? null
  session.receiver = receiver
  session.suspended = false
  session.leftAt = 0
  if (shard.blocked !== null) {
    session.notices.push({ notice: 'blocked', ...shard.blocked })
    shard.output(session)
  }
  if (resumed || session.durable) journalSession(shard, session)
  const saved = [...session.saved].map(([key, value]) => ({ key, value }))
  return { ok: { session: session.id, epoch: session.epoch, resumed, saved } }
}

function newSession(shard: Shard, options: OpenOptions): Session {
  const session = new Session(shard.ids.take(), options.namespace, options.name ?? null, options.user)
  shard.addSession(session)
  return session
}
