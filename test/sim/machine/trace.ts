import { createHash, type Hash } from 'node:crypto'

/** What happened, line by line: the same for the same seed, which its hash shows. */
export class Trace {
  private readonly hash: Hash = createHash('sha256')
  private readonly lines: string[] = []
  private readonly now: () => number
  private readonly linesMax: number
  private readonly tell: ((line: string) => void) | null

  /** Keeps the last `linesMax`; `tell` is given each as it comes. */
  constructor(now: () => number, linesMax = 60, tell: ((line: string) => void) | null = null) {
    this.now = now
    this.linesMax = linesMax
    this.tell = tell
  }

  note(who: string, what: string): void {
    const line = `${this.now().toFixed(2)} ${who}: ${what}`
    this.hash.update(line)
    this.tell?.(line)
    this.lines.push(line)
    if (this.lines.length > this.linesMax * 2) this.lines.splice(0, this.lines.length - this.linesMax)
  }

  get last(): readonly string[] {
    return this.lines.slice(-this.linesMax)
  }

  /** Of everything; nothing can be noted afterwards. */
  digest(): string {
    return this.hash.digest('hex').slice(0, 16)
  }
}
