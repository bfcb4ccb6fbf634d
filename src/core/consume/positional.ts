import { Reader, Writer } from '../../base/index.ts'
import type { Id, SubscriptionSpec } from '../facade/index.ts'

const out = new Writer(64)

/** Committed positions of one name on one log. */
export class Positional {
  readonly id: Id
  readonly log: Id
  spec: SubscriptionSpec
  readonly positions = new Map<number, { offset: number; note: string }>()
  usedAt = 0

  constructor(id: Id, log: Id, spec: SubscriptionSpec) {
    this.id = id
    this.log = log
    this.spec = spec
  }

  list(): { partition: number; offset: number; note: string }[] {
    return [...this.positions].map(([partition, position]) => ({ partition, ...position }))
  }

  /** For a checkpoint. */
  encode(): Buffer {
    return encodePositions(this.list())
  }

  apply(body: Buffer): void {
    const reader = new Reader(body)
    while (reader.remaining > 0) {
      this.positions.set(reader.uvarint(), { offset: reader.uvarint(), note: reader.sizedUtf8() })
    }
  }
}

/** partition, offset, note; again and again. */
export function encodePositions(positions: readonly { partition: number; offset: number; note?: string }[]): Buffer {
  out.reset()
  for (const { partition, offset, note } of positions) {
    out.uvarint(partition)
    out.uvarint(offset)
    out.sizedUtf8(note ?? '')
  }
  return out.finish()
}
