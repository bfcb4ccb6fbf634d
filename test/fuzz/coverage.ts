import { Session, type Profiler } from 'node:inspector'

/** Which blocks of the product's code have ever run, by the runtime's own counters. */
export class Coverage {
  private readonly session = new Session()
  private readonly seen = new Set<string>()

  constructor() {
    this.session.connect()
    this.session.post('Profiler.enable')
    this.session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** The blocks that have run since the last call, and never before. */
  fresh(): Set<string> {
    const found = new Set<string>()
    for (const block of this.ran()) if (!this.seen.has(block)) found.add(block)
    for (const block of found) this.seen.add(block)
    return found
  }

  /** All blocks that have run since the last call. */
  ran(): string[] {
    const blocks: string[] = []
    for (const { url, functions } of this.take()) {
      if (!url.includes('/src/')) continue
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) blocks.push(`${url}:${startOffset}-${endOffset}`)
        }
      }
    }
    return blocks
  }

  private take(): Profiler.ScriptCoverage[] {
    let found: Profiler.ScriptCoverage[] = []
    // Within one process the answer is there when the call returns.
    this.session.post('Profiler.takePreciseCoverage', (_error, answer) => (found = answer.result))
    return found
  }

  stop(): void {
    this.session.post('Profiler.stopPreciseCoverage')
    this.session.disconnect()
  }
}
