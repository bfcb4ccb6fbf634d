import type { OpResult, SaveOp } from '../facade/index.ts'
import { encodeSaved } from '../session/codec.ts'
import type { Session } from '../session/session.ts'
import { entryKind } from '../shard/entry-kinds.ts'
import type { Shard } from '../shard/shard.ts'

export function save(shard: Shard, session: Session, { key, value }: SaveOp): OpResult {
  if (value === null) session.saved.delete(key)
  else session.saved.set(key, Buffer.from(value))
  if (session.durable) shard.stage.entry(entryKind.saved, session.id, encodeSaved(key, value))
  return { ok: { op: 'save' } }
}
