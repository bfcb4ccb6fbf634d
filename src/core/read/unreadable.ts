import type { Damaged } from '../../log/index.ts'
import type { Levels } from '../names.ts'
import type { Partition } from '../shard/partition.ts'

/** What a reader met, for whoever looks after the broker. */
export interface ReadTrouble {
  error: Error
  /** Null: the disk did not answer, and it is tried again. Else the bytes of these records are damaged. */
  records: UnreadableRecords | null
}

export interface UnreadableRecords {
  namespace: string
  /** Null: the retained messages of the namespace. */
  log: Levels | null
  partition: number
  first: number
  last: number
}

/** Damaged places that are remembered; more than these are read past all the same. */
const placesMax = 10_000

/** Records whose stored bytes are damaged, each place told once however often it is read. */
export class Unreadable {
  /** How many records readers have met. */
  records = 0
  private readonly places = new Map<string, number>()
  private readonly tell: (trouble: ReadTrouble) => void
  private readonly nameOf: (partition: Partition) => { namespace: string; log: Levels | null }

  constructor(
    tell: (trouble: ReadTrouble) => void,
    nameOf: (partition: Partition) => ReturnType<Unreadable['nameOf']>,
  ) {
    this.tell = tell
    this.nameOf = nameOf
  }

  met(partition: Partition, damage: Damaged & { cost: NonNullable<Damaged['cost']> }, end: number): void {
    const { file, position, cost } = damage
    const key = `${partition.id}/${file}/${position}`
    const last = Math.min(cost.below, end) - 1
    const count = last - cost.first + 1
    const known = this.places.get(key)
    if (count <= (known ?? 0)) return
    if (known === undefined && this.places.size >= placesMax) return
    this.places.set(key, count)
    this.records += count - (known ?? 0)
    if (known !== undefined) return
    const { index } = partition
    this.tell({ error: damage, records: { ...this.nameOf(partition), partition: index, first: cost.first, last } })
  }

  /** The disk gave an error. */
  failed(error: Error): void {
    this.tell({ error, records: null })
  }
}
