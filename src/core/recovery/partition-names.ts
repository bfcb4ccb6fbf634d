import { decodeItem } from '../catalogue/partitions.ts'
import { levelUtf8, plainNames } from '../names.ts'
import { entryKind } from '../shard/entry-kinds.ts'
import { restoreOrder } from './parts.ts'

/** What a partition of the store is to those who look after a broker. */
export interface PartitionName {
  namespace: string
  /** Null: the retained messages of the namespace. */
  log: string | null
  /** Of the log. */
  index: number
}

/** What the store's partitions are called, from a checkpoint and the journal entries after it, without opening a broker. */
export class PartitionNames {
  private readonly namespaces = new Map<number, string>()
  private readonly partitions = new Map<number, { namespace: number; log: string | null; index: number }>()

  restore(object: number, _part: number, _frame: number, state: Buffer): void {
    const order = state[0]
    if (order === restoreOrder.namespace || order === restoreOrder.log) this.item(object, state.subarray(1))
  }

  apply(kind: number, object: number, body: Buffer): void {
    if (kind === entryKind.catalogue && body.length > 0) this.item(object, body)
  }

  private item(object: number, body: Buffer): void {
    const { spec, partitions = [] } = decodeItem(object, body)
    if (spec.kind !== 'namespace' && spec.kind !== 'log') return
    const isLog = spec.kind === 'log'
    if (!isLog) this.namespaces.set(object, spec.name)
    const namespace = isLog ? spec.namespace : object
    const log = isLog ? levelUtf8(plainNames.encode(spec.name)) : null
    partitions.forEach((id, index) => this.partitions.set(id, { namespace, log, index }))
  }

  /** Undefined: nothing that could be read says so. */
  of(partition: number): PartitionName | undefined {
    const found = this.partitions.get(partition)
    if (found === undefined) return undefined
    return { ...found, namespace: this.namespaces.get(found.namespace) ?? '' }
  }
}
