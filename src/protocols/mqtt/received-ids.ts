import { crc32c } from '../../base/index.ts'
import type { BitChange, SaveOp } from '../../core/index.ts'
import { blockBits, PacketIdSet } from './packet-id-set.ts'

const digestsKey = 'digest/'
/** Of one identifier: its place in the block, and the digest. */
const digestBytes = 1 + 4

/** Tells one message from another. */
export function digestOf(topic: string, payload: Uint8Array): number {
  return crc32c(payload, crc32c(Buffer.from(`${topic}\0`)))
}

/**
 * QoS 2 messages from the client that were published, until PUBREL: packet identifiers, and digests of what they stood
 * for. A client that has lost its state begins again with the first identifier, and only the message itself says that it
 * is another: not all clients set DUP when they send one again.
 */
export class ReceivedIds {
  private readonly ids = new PacketIdSet('in/')
  /** None for what a broker saved that knew of no digests. */
  private readonly digests = new Map<number, number>()
  /** Those of earlier connections, of which this one may know nothing. */
  private readonly restored = new Set<number>()
  /** Blocks whose digests must be saved. */
  private readonly changed = new Set<number>()

  /** What a PUBLISH with this identifier is. One that comes again says that this connection knows of it, too. */
  meet(id: number, digest: number): 'new' | 'again' | 'inUse' {
    if (!this.ids.has(id)) return 'new'
    const known = this.digests.get(id) ?? digest
    if (known !== digest) return this.restored.has(id) ? 'new' : 'inUse'
    this.restored.delete(id)
    return 'again'
  }

  /** `publish`: saved only if that is taken. */
  add(id: number, digest: number, publish?: BitChange['with']): void {
    this.forget(id)
    this.ids.add(id, publish)
    this.digests.set(id, digest)
    this.changed.add(blockOf(id))
  }

  delete(id: number): boolean {
    const known = this.ids.delete(id)
    this.clear(id)
    // A digest without its identifier says nothing, so it may stay until the block goes.
    if (known && this.saved(blockOf(id)) === null) this.changed.add(blockOf(id))
    return known
  }

  /** It is not saved: the publish was not taken. */
  forget(id: number): void {
    if (this.ids.forget(id)) this.clear(id)
  }

  private clear(id: number): void {
    this.digests.delete(id)
    this.restored.delete(id)
  }

  /** What must be saved since the last call. */
  changes(): SaveOp[] {
    const saves = this.ids.changes()
    for (const block of this.changed)
      saves.push({ op: 'save', key: digestsKey + String(block), value: this.saved(block) })
    this.changed.clear()
    return saves
  }

  private saved(block: number): Buffer | null {
    const parts: number[] = []
    for (let place = 0; place < blockBits; place++) {
      const digest = this.digests.get(block * blockBits + place)
      if (digest !== undefined) parts.push(place, digest >>> 24, digest >>> 16, digest >>> 8, digest)
    }
    return parts.length === 0 ? null : Buffer.from(parts)
  }

  /** Takes what an earlier connection saved. */
  restore(saved: readonly { key: string; value: Buffer }[]): void {
    this.ids.restore(saved)
    for (const id of this.ids) this.restored.add(id)
    for (const { key, value } of saved) {
      if (!key.startsWith(digestsKey)) continue
      const block = Number(key.slice(digestsKey.length))
      for (let at = 0; at + digestBytes <= value.length; at += digestBytes) {
        const id = block * blockBits + value[at]!
        if (this.restored.has(id)) this.digests.set(id, value.readUInt32BE(at + 1))
      }
    }
  }
}

const blockOf = (id: number): number => Math.floor(id / blockBits)
