import { encodePositions } from '../consume/positional.ts'
import { journalLeases } from '../consume/journal.ts'
import type { OpResult, SeekOp } from '../facade/index.ts'
import { locateIn } from '../read/locate.ts'
import { entryKind } from '../shard/entry-kinds.ts'
import type { LogState } from '../shard/log-state.ts'
import type { Partition } from '../shard/partition.ts'
import { notFound } from '../shard/shard.ts'
import type { Shard } from '../shard/shard.ts'

interface Position {
  partition: number
  offset: number
}

/** Roughly the bytes of some of its records. */
const share = ({ bytes, start, next }: Partition, records: number): number =>
  next === start ? 0 : Math.round((bytes * records) / (next - start))

export function seek(shard: Shard, op: SeekOp): OpResult | Promise<OpResult> {
  const id = shard.leased.get(op.subscription)?.log.id ?? shard.positional.get(op.subscription)?.log
  const log = id === undefined ? undefined : shard.logs.get(id)
  if (log === undefined) return notFound('subscription')
  const positions = positionsOf(shard, log, op.to)
  if (positions instanceof Promise) return positions.then((found) => seekTo(shard, op.subscription, found))
  return seekTo(shard, op.subscription, positions)
}

function positionsOf(shard: Shard, log: LogState, to: SeekOp['to']): Position[] | Promise<Position[]> {
  const partitions = log.partitions.filter((one) => one !== null)
  if (to === 'first') return partitions.map(({ index, start }) => ({ partition: index, offset: start }))
  if (to === 'end') return partitions.map(({ index, next }) => ({ partition: index, offset: next }))
  if ('offsets' in to) return [...to.offsets]
  return Promise.all(
    partitions.map(async (partition) => {
      const found = await locateIn(shard, partition, to.time, () => true)
      const offset = found?.offset ?? -1
      return { partition: partition.index, offset: offset < 0 ? partition.next : offset }
    }),
  )
}

function seekTo(shard: Shard, subscription: number, positions: readonly Position[]): OpResult {
  const positional = shard.positional.get(subscription)
  if (positional !== undefined) {
    const body = encodePositions(positions)
    positional.apply(body)
    shard.stage.entry(entryKind.positions, subscription, body)
    return { ok: { op: 'seek' } }
  }
  const leased = shard.leased.get(subscription)
  if (leased === undefined) return notFound('subscription')
  for (const { partition, offset } of positions) {
    const lane = leased.lane(partition)
    if (lane === null) continue
    const within = Math.max(lane.partition.start, Math.min(offset, lane.partition.next))
    lane.queue.seek(within)
    lane.queue.readyBytes = share(lane.partition, lane.queue.ready)
    lane.counted = false
    shard.readAhead.drop(lane)
  }
  journalLeases(shard, leased)
  shard.settled(leased)
  return { ok: { op: 'seek' } }
}
