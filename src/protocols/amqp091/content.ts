import type { Envelope } from './properties.ts'
import type { PublishRoute } from './publish-route.ts'
import type { BasicProperties } from './wire/index.ts'

/** What the properties of a publish say, read once for all publishes that carry the same bytes. */
export interface PublishFacts {
  properties: BasicProperties
  envelope: Buffer | null
  key: Buffer | null
  /** The record's time, where the publisher set it. */
  timestamp: Envelope['properties']['timestamp']
  priority: number | undefined
  timeToLiveMs: number | undefined
  /** From header `x-delay`; undefined where there is none, or it is no time to wait. */
  delayMs: number | undefined
  /** More routing keys, from the CC and BCC headers. */
  copies: readonly string[]
}

const firstBytes = 128 * 1024
/** Who has sent so much of a body gets memory for all of it: growing further would copy it again and again. */
const doublingBytesMax = 256 * 1024

/** A publish whose content is arriving. Memory is taken as bytes arrive, not as the header promises them. */
export class Content {
  readonly route: PublishRoute
  /** Null until the content header has come. */
  facts: PublishFacts | null = null
  bodyBytes = 0
  received = 0
  /** It comes in more than one part, and has begun to. */
  parts = false
  private body: Buffer | null = null

  constructor(route: PublishRoute) {
    this.route = route
  }

  get complete(): boolean {
    return this.facts !== null && this.received === this.bodyBytes
  }

  /** The body if this part is all of it, or the last of it; else null. */
  add(part: Buffer): Buffer | null {
    const first = this.received === 0
    this.received += part.length
    if (first && this.received === this.bodyBytes) return part
    this.parts = true
    const body = this.roomFor(part.length)
    part.copy(body, this.received - part.length)
    return this.received === this.bodyBytes ? body.subarray(0, this.bodyBytes) : null
  }

  private roomFor(bytes: number): Buffer {
    const before = this.received - bytes
    if (this.body !== null && this.body.length >= this.received) return this.body
    const wanted = this.received > doublingBytesMax ? this.bodyBytes : Math.max(firstBytes, this.received * 2)
    const grown = Buffer.allocUnsafeSlow(Math.min(this.bodyBytes, wanted))
    this.body?.copy(grown, 0, 0, before)
    this.body = grown
    return grown
  }
}
