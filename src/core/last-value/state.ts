import type { Id } from '../facade/index.ts'
import { LastValues } from '../retained/index.ts'
import type { Partition } from '../shard/partition.ts'

/** The last values of one namespace's shared space, in a partition of their own. */
export class LastValueState {
  readonly namespace: Id
  readonly partition: Partition
  readonly values = new LastValues()
  changed = false

  constructor(namespace: Id, partition: Partition) {
    this.namespace = namespace
    this.partition = partition
  }
}
