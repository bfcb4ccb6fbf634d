import type { BitChange, SaveOp } from '../../core/index.ts'

export const blockBits = 64
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
  /** Since the last `changes`; and with which publish. */
  private readonly changed = new Map<number, Omit<BitChange, 'bit'>>()

  constructor(prefix: string) {
    this.prefix = prefix
  }

  has(id: number): boolean {
    const block = this.blocks.get(Math.floor(id / blockBits))
    return block !== undefined && (block[(id % blockBits) >> 3]! & (1 << (id & 7))) !== 0
  }

  /** `publish`: saved only if that is taken. */
  add(id: number, publish?: BitChange['with']): void {
    if (this.has(id)) return
    const index = Math.floor(id / blockBits)
    let block = this.blocks.get(index)
    if (block === undefined) this.blocks.set(index, (block = Buffer.alloc(blockBytes)))
    block[(id % blockBits) >> 3]! |= 1 << (id & 7)
    this.changed.set(id, publish === undefined ? { on: true } : { on: true, with: publish })
    this.size++
  }

  delete(id: number): boolean {
    if (!this.forget(id)) return false
    this.changed.set(id, { on: false })
    return true
  }

  /** It is not saved: the publish was not taken. */
  forget(id: number): boolean {
    if (!this.has(id)) return false
    const index = Math.floor(id / blockBits)
    const block = this.blocks.get(index)!
    block[(id % blockBits) >> 3]! &= ~(1 << (id & 7))
    if (block.every((byte) => byte === 0)) this.blocks.delete(index)
    this.size--
    return true
  }

  *[Symbol.iterator](): Generator<number> {
    for (const index of [...this.blocks.keys()].sort((a, b) => a - b)) {
      for (let id = index * blockBits; id < (index + 1) * blockBits; id++) if (this.has(id)) yield id
    }
  }

  /** What must be saved since the last call. */
  changes(): SaveOp[] {
    if (this.changed.size === 0) return []
    const blocks = new Map<number, BitChange[]>()
    for (const [id, change] of this.changed) {
      const index = Math.floor(id / blockBits)
      let changes = blocks.get(index)
      if (changes === undefined) blocks.set(index, (changes = []))
      changes.push({ bit: id % blockBits, ...change })
    }
    this.changed.clear()
    return Array.from(blocks, ([index, changes]): SaveOp => {
      return { op: 'save', key: this.prefix + String(index), value: { bytes: blockBytes, changes } }
    })
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
  }
}
