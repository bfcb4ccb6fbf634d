import { assert } from '../../base/index.ts'
import type { OpResult, SaveOp } from '../facade/index.ts'
import { encodeSaved } from '../session/codec.ts'
import type { Session } from '../session/session.ts'
import { entryKind } from '../shard/entry-kinds.ts'
import type { Shard } from '../shard/shard.ts'

type Result = OpResult | Promise<OpResult>

/** `before`: results of the ops before this one. */
export function save(shard: Shard, session: Session, op: SaveOp, before: readonly Result[]): OpResult {
  const { key, otherwise } = op
  const value = otherwise?.ops.some((index) => isRefused(before[index]!)) ? otherwise.value : op.value
  if (value === null) session.saved.delete(key)
  else session.saved.set(key, Buffer.from(value))
  if (session.durable) shard.stage.entry(entryKind.saved, session.id, encodeSaved(key, value))
  return { ok: { op: 'save' } }
}

function isRefused(result: Result): boolean {
  assert(!(result instanceof Promise), 'what becomes of a publish is known at once')
  return 'error' in result || (result.ok.op === 'publish' && result.ok.refused !== undefined)
}
