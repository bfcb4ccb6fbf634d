import type { Receiver } from '../facade/index.ts'
import type { Shard } from '../shard/shard.ts'
import { disconnect } from './close.ts'
import type { Session } from './session.ts'

/** What sessions are to hear, at the end of the turn. */
export function handOverAll(shard: Shard): void {
  for (const { receiver, client } of shard.farewells.splice(0)) {
    hears(shard, client, () => receiver.notice({ notice: 'fenced' }))
  }
  const sessions = [...shard.outgoing]
  shard.outgoing.clear()
  for (const session of sessions) handOver(shard, session)
}

/** Hands a session what there is for it. */
export function handOver(shard: Shard, session: Session): void {
  const { receiver, deliveries, notices } = session
  session.deliveries = []
  session.notices = []
  if (receiver === null || hears(shard, session.client, () => tell(receiver, deliveries, notices))) return
  // Of what it was given some may be done and some not: its connection is no use any more. The others have theirs.
  if (shard.health.state === 'failed' || session.receiver !== receiver) return
  shard.farewell(session)
  disconnect(shard, session, { wills: 'fire' })
  shard.stage.hard()
}

function tell(receiver: Receiver, deliveries: Session['deliveries'], notices: Session['notices']): void {
  if (deliveries.length > 0) receiver.deliver(deliveries)
  for (const notice of notices) receiver.notice(notice)
}

/** False: it threw. One message that a receiver cannot take must not be the end of everybody's broker. */
function hears(shard: Shard, client: Session['client'], run: () => void): boolean {
  try {
    run()
    return true
  } catch (error) {
    shard.receiverFailed(error, client)
    return false
  }
}
