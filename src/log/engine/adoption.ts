import { DiskError, type Timers } from '../../world/index.ts'
import type { Spans } from '../span/index.ts'
import type { HeldSegments } from './segments.ts'

const retryMs = 1000

/** What is asked of the store. */
export interface AdoptionHost {
  /** The store has failed, or closes. */
  over(): boolean
  sync(segmentSeq: number): Promise<void>
  /** The disk gave an error, and it is tried again. */
  troubled(error: DiskError): Promise<void>
  fail(error: Error): void
}

/**
 * Hands sealed segments to the spans, one after the other and in their order: `Spans.adoptedThrough` says that all up
 * to it have been, and a start that finds one of those not among the spans takes it for dead.
 */
export class Adoption {
  /** Nothing is adopted before; what was queued before is first. */
  begin!: () => void
  private last: Promise<void>
  private readonly held: HeldSegments
  private readonly spans: Spans
  private readonly timers: Timers
  private readonly host: AdoptionHost

  constructor(held: HeldSegments, spans: Spans, timers: Timers, host: AdoptionHost) {
    this.held = held
    this.spans = spans
    this.timers = timers
    this.host = host
    this.last = new Promise((resolve) => {
      this.begin = resolve
    })
  }

  queue(segmentSeq: number): void {
    this.last = this.last.then(() => this.adopt(segmentSeq))
    this.last.catch((error: unknown) => this.host.fail(error as Error))
  }

  private async adopt(segmentSeq: number): Promise<void> {
    const { held, spans, timers, host } = this
    const open = held.get(segmentSeq)
    if (open === undefined || open.adopted) return
    const { slot, endPosition, lastCommit, lastCommitTime, index } = open
    for (;;) {
      if (host.over()) return
      try {
        await host.sync(segmentSeq)
        await spans.adopt({ segmentSeq, slot, endPosition, lastFrame: lastCommit, lastCommitTime, index })
        break
      } catch (error) {
        if (!(error instanceof DiskError)) throw error
        await host.troubled(error)
        await new Promise<void>((resolve) => timers.after(retryMs, resolve))
      }
    }
    open.adopted = spans.hasSegment(segmentSeq)
    held.forget()
  }
}
