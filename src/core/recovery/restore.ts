import { Reader } from '../../base/index.ts'
import { writtenByNewer } from '../../log/index.ts'
import { decodeItem } from '../catalogue/partitions.ts'
import { Producers } from '../producer/producers.ts'
import { applySaved, decodeSession } from '../session/codec.ts'
import type { Shard } from '../shard/shard.ts'
import { replayItem } from './replay.ts'
import { laneOf, restoreOrder, type Restored } from './parts.ts'

/** One checkpointed part, without its first byte; parts come in the order of `restoreOrder`. */
export function restorePart(shard: Shard, { order, object, part, state }: Restored): void {
  const reader = new Reader(state)
  switch (order) {
    case restoreOrder.ids:
      shard.reservedIds = Math.max(shard.reservedIds, state.readDoubleBE())
      break
    case restoreOrder.namespace:
    case restoreOrder.space:
    case restoreOrder.log:
    case restoreOrder.subscription:
    case restoreOrder.route:
      replayItem(shard, decodeItem(object, state))
      break
    case restoreOrder.session:
      shard.addSession(decodeSession(object, state))
      break
    case restoreOrder.saved: {
      const session = shard.sessions.get(object)
      if (session !== undefined) applySaved(session, state)
      break
    }
    case restoreOrder.positions:
      shard.positional.get(object)?.apply(state)
      break
    case restoreOrder.lease: {
      const { index, queuePart } = laneOf(part)
      shard.leased.get(object)?.lane(index)?.queue.restorePart(queuePart, reader)
      break
    }
    case restoreOrder.producers: {
      const partition = shard.logs.get(object)?.partition(laneOf(part).index)
      if (partition) (partition.producers ??= new Producers()).read(reader)
      break
    }
    case restoreOrder.messageIds:
      shard.logs.get(object)?.dedupe?.read(reader)
      break
    case restoreOrder.values:
      restoreValues(shard, object, reader)
      break
    default:
      throw writtenByNewer(`a checkpoint has parts of kind ${order}`)
  }
}

function restoreValues(shard: Shard, namespace: number, reader: Reader): void {
  const state = shard.lastValues.get(namespace)
  if (state === undefined) return
  while (reader.remaining > 0) {
    const levels = Array.from({ length: reader.uvarint() }, () => reader.sized().toString('latin1'))
    const offset = reader.uvarint()
    const expiry = reader.uvarint()
    const expiresAt = expiry === 0 ? null : expiry - 1
    state.values.set({ levels, partition: state.partition.id, offset, expiresAt })
  }
}
