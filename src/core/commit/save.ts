import { assert } from '../../base/index.ts'
import type { BitChange, ChangedBits, OpResult, SaveOp } from '../facade/index.ts'
import { refusalOf } from '../publish/refusal.ts'
import { encodeSaved } from '../session/codec.ts'
import type { Session } from '../session/session.ts'
import { entryKind } from '../shard/entry-kinds.ts'
import type { Shard } from '../shard/shard.ts'

type Result = OpResult | Promise<OpResult>

/** `before`: results of the ops before this one. */
export function save(shard: Shard, session: Session, op: SaveOp, before: readonly Result[]): OpResult {
  const { key } = op
  const value =
    op.value === null || Buffer.isBuffer(op.value) ? op.value : changed(session.saved.get(key), op.value, before)
  if (value === null) session.saved.delete(key)
  else session.saved.set(key, Buffer.from(value))
  if (session.durable) shard.stage.entry(entryKind.saved, session.id, encodeSaved(key, value))
  return { ok: { op: 'save' } }
}

function changed(known: Buffer | undefined, { bytes, changes }: ChangedBits, before: readonly Result[]): Buffer | null {
  const value = Buffer.alloc(bytes)
  known?.copy(value)
  for (const change of changes) {
    const at = change.bit >> 3
    const mask = 1 << (change.bit & 7)
    assert(at < bytes, 'a bit of the value')
    if (isOn(change, before)) value[at]! |= mask
    else value[at]! &= ~mask
  }
  return value.every((byte) => byte === 0) ? null : value
}

function isOn({ on, with: publish }: BitChange, before: readonly Result[]): boolean {
  return on && (publish === undefined || isTaken(before[publish.op]!, publish.record))
}

function isTaken(result: Result, record: number): boolean {
  assert(!(result instanceof Promise), 'what becomes of a publish is known at once')
  if ('error' in result) return false
  return result.ok.op !== 'publish' || refusalOf(result.ok, record) === undefined
}
