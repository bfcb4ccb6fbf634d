import type { Id } from '../../../core/index.ts'
import { ownPacketIds } from '../limits.ts'

/** Where a message came from; `subscription` 0: live or retained, nothing to settle. */
export interface Source {
  subscription: Id
  partition: number
  offset: number
  attempt: number
  /** To whose credit it goes when it is done, and how many bytes of payload it has. */
  consumer: Id
  bytes: number
}

export interface Flight extends Source {
  /** QoS 2: PUBREC has come, PUBCOMP is awaited. */
  released: boolean
}

const packetIdMax = 65_535

/** QoS 1 and 2 messages that the client has not finished, by packet identifier, and who may fly next. */
export class InFlight {
  private readonly flights = new Map<number, Flight>()
  readonly max: number
  private next = ownPacketIds

  /** `max`: the client's Receive Maximum, and ours. */
  constructor(max: number) {
    this.max = max
  }

  get free(): number {
    return this.max - this.flights.size
  }

  get(id: number): Flight | undefined {
    return this.flights.get(id)
  }

  delete(id: number): void {
    this.flights.delete(id)
  }

  /** Gives the message an identifier, or 0 while there is none for it. */
  start(source: Source, own: boolean): number {
    if (this.free <= 0) return 0
    const id = own ? 1 + (source.offset % ownPacketIds) : this.allocate()
    if (this.flights.has(id)) return 0
    const { subscription, partition, offset, attempt, consumer, bytes } = source
    this.flights.set(id, { subscription, partition, offset, attempt, consumer, bytes, released: false })
    return id
  }

  /** An identifier whose PUBREC came over an earlier connection. */
  resume(id: number): void {
    this.flights.set(id, {
      subscription: 0,
      partition: 0,
      offset: 0,
      attempt: 0,
      consumer: 0,
      bytes: 0,
      released: true,
    })
  }

  private allocate(): number {
    do {
      this.next = this.next >= packetIdMax ? ownPacketIds + 1 : this.next + 1
    } while (this.flights.has(this.next))
    return this.next
  }
}
