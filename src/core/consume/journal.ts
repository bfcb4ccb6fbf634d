import { Writer } from '../../base/index.ts'
import { entryKind } from '../shard/entry-kinds.ts'
import type { Shard } from '../shard/shard.ts'
import type { Leased } from './leased.ts'

const out = new Writer(1024)

/** Stages what has happened in the subscription's queues since the last call. */
export function journalLeases(shard: Shard, leased: Leased): void {
  for (let index = 0; index < leased.lanes.length; index++) {
    const lane = leased.lanes[index]
    if (!lane?.queue.dirty) continue
    out.reset()
    out.uvarint(index)
    lane.queue.writeEntry(out)
    shard.stage.entry(entryKind.leases, leased.id, out.view())
  }
}
