import type { SaveOp } from '../../core/index.ts'

const blockBits = 64
const blockBytes = blockBits / 8
const blockCount = 65_536 / blockBits

/**
 * Packet identifiers of QoS 2 messages that are between two of their four packets. A persistent session keeps them as
 * its saved state, in blocks of 64: one small value for the many neighbours that a client uses.
 */
export class PacketIdSet {
  size = 0
  private readonly prefix: string
  private readonly blocks = new Map<number, Buffer>()
  private readonly changed = new Set<number>()
  /** Since the last `changes`. */
  private readonly added = new Set<number>()

  constructor(prefix: string) {
    this.prefix = prefix
  }

  has(id: number): boolean {
    const block = this.blocks.get(Math.floor(id / blockBits))
    return block !== undefined && (block[(id % blockBits) >> 3]! & (1 << (id & 7))) !== 0
  }

  add(id: number): void {
    if (this.has(id)) return
    const index = Math.floor(id / blockBits)
    let block = this.blocks.get(index)
    if (block === undefined) this.blocks.set(index, (block = Buffer.alloc(blockBytes)))
    block[(id % blockBits) >> 3]! |= 1 << (id & 7)
    this.changed.add(index)
    this.added.add(id)
    this.size++
  }

  delete(id: number): boolean {
    if (!this.has(id)) return false
    const index = Math.floor(id / blockBits)
    const block = this.blocks.get(index)!
    block[(id % blockBits) >> 3]! &= ~(1 << (id & 7))
    if (block.every((byte) => byte === 0)) this.blocks.delete(index)
    this.changed.add(index)
    this.added.delete(id)
    this.size--
    return true
  }

  *[Symbol.iterator](): Generator<number> {
    for (const index of [...this.blocks.keys()].sort((a, b) => a - b)) {
      for (let id = index * blockBits; id < (index + 1) * blockBits; id++) if (this.has(id)) yield id
    }
  }

  /** What must be saved since the last call. `publishes`: if one of these ops is refused, nothing that was added counts. */
  changes(publishes: readonly number[] = []): SaveOp[] {
    if (this.changed.size === 0) return []
    const ops = Array.from(this.changed, (index): SaveOp => {
      const block = this.blocks.get(index)
      const save: SaveOp = {
        op: 'save',
        key: this.prefix + String(index),
        value: block === undefined ? null : Buffer.from(block),
      }
      const without = publishes.length === 0 || block === undefined ? null : this.withoutAdded(index, block)
      return without === null ? save : { ...save, otherwise: { ops: publishes, value: without.value } }
    })
    this.changed.clear()
    this.added.clear()
    return ops
  }

  /** Null: nothing was added to this block. */
  private withoutAdded(index: number, block: Buffer): { value: Buffer | null } | null {
    const value = Buffer.from(block)
    let found = false
    for (const id of this.added) {
      if (Math.floor(id / blockBits) !== index) continue
      value[(id % blockBits) >> 3]! &= ~(1 << (id & 7))
      found = true
    }
    return found ? { value: value.every((byte) => byte === 0) ? null : value } : null
  }

  /** What was saved is not known: all of it is saved again. */
  saveAgain(): void {
    for (const index of this.blocks.keys()) this.changed.add(index)
  }

  /** Takes what an earlier connection saved. Anything that is not a block of ours is ignored. */
  restore(saved: readonly { key: string; value: Buffer }[]): void {
    for (const { key, value } of saved) {
      const index = key.startsWith(this.prefix) ? Number(key.slice(this.prefix.length)) : -1
      if (!Number.isInteger(index) || index < 0 || index >= blockCount || value.length !== blockBytes) continue
      for (let bit = 0; bit < blockBits; bit++)
        if (value[bit >> 3]! & (1 << (bit & 7))) this.add(index * blockBits + bit)
    }
    this.changed.clear()
    this.added.clear()
  }
}
