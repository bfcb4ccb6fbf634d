import type { RecordTable } from '../../log/index.ts'
import { lane } from '../catalogue/partitions.ts'
import { partitionOfKey } from '../partitioner.ts'
import type { LogState } from '../shard/log-state.ts'
import type { Partition } from '../shard/partition.ts'
import type { Shard } from '../shard/shard.ts'

/** Which records of a publication go to which partition; `runs` null: all. */
interface Placed {
  partition: Partition
  runs: readonly number[] | null
}

/** Where `runs` of a batch go: by priority with lanes, else by key, else one batch after the other. */
export function place(
  shard: Shard,
  log: LogState,
  priority: number,
  table: () => RecordTable,
  runs: readonly number[] | null,
): Placed[] {
  const { lanes } = log.spec
  if (lanes !== undefined) return [{ partition: lane(shard, log, Math.min(priority, lanes)), runs }]
  const count = log.partitions.length
  if (count === 1) return [{ partition: log.partitions[0]!, runs }]
  return byKey(log, table(), runs)
}

function byKey(log: LogState, table: RecordTable, runs: readonly number[] | null): Placed[] {
  const count = log.partitions.length
  const found = new Map<number, number[]>()
  let keyless = -1
  for (let r = 0; r < (runs?.length ?? 2); r += 2) {
    const first = runs?.[r] ?? 0
    const end = first + (runs?.[r + 1] ?? table.count)
    for (let i = first; i < end; i++) {
      const key = table.key(i)
      if (key === null && keyless < 0) keyless = log.turn++ % count
      const partition = key === null ? keyless : partitionOfKey(key, count)
      let list = found.get(partition)
      if (list === undefined) found.set(partition, (list = []))
      if (list.length > 0 && list[list.length - 2]! + list[list.length - 1]! === i) list[list.length - 1]!++
      else list.push(i, 1)
    }
  }
  if (found.size === 1) return [{ partition: log.partitions[found.keys().next().value!]!, runs }]
  return [...found].map(([partition, cut]) => ({ partition: log.partitions[partition]!, runs: cut }))
}
