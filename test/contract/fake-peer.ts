import type { CloseReason, Peer, Session } from '../../src/server/index.ts'

/** A client's end without a socket. It holds to the contract strictly: a break of it by the session is a failure. */
export class FakePeer implements Peer {
  readonly address = '127.0.0.1:50000'
  readonly local = true
  /** Everything that was written, in order. */
  written: Buffer[] = []
  closedBecause: CloseReason | undefined
  /** Writes that came after the close. */
  lateWrites = 0
  /** While true, `write` says false and nothing leaves. */
  full = false
  buffered = 0
  #paused = false
  #held: Buffer[] = []
  #session: Session | undefined
  #over = false

  serve(session: Session): void {
    this.#session = session
  }

  get paused(): boolean {
    return this.#paused
  }

  get bytes(): Buffer {
    return Buffer.concat(this.written)
  }

  /** At once, since `write` copies. */
  whenTaken(run: () => void): void {
    run()
  }

  write(bytes: Uint8Array): boolean {
    if (this.closedBecause !== undefined || this.#over) {
      this.lateWrites++
      return false
    }
    this.written.push(Buffer.from(bytes))
    if (this.full) this.buffered += bytes.length
    return !this.full
  }

  close(reason: CloseReason): void {
    if (this.closedBecause !== undefined || this.#over) return
    this.closedBecause = reason
    setImmediate(() => this.#end(reason))
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    setImmediate(() => this.#release())
  }

  mayBeSilent(): boolean {
    return this.#paused
  }

  get room(): number {
    return Infinity
  }

  underWay(): void {
    // Memory is not short here.
  }

  arriving(): void {
    // Memory is not short here.
  }

  keeps(): void {
    // Memory is not short here.
  }

  /** Bytes from the client. */
  send(chunk: Buffer): void {
    this.#held.push(Buffer.from(chunk))
    this.#release()
  }

  /** The client goes away without a word. */
  disconnect(): void {
    this.#end(this.closedBecause ?? 'client')
  }

  /** The client reads again. */
  drain(): void {
    this.full = false
    this.buffered = 0
    if (!this.#over && this.closedBecause === undefined) this.#session?.drained()
  }

  get over(): boolean {
    return this.#over
  }

  #release(): void {
    while (!this.#paused && !this.#over && this.closedBecause === undefined) {
      const chunk = this.#held.shift()
      if (chunk === undefined) return
      this.#session?.receive(chunk)
    }
  }

  #end(reason: CloseReason): void {
    if (this.#over) return
    this.#over = true
    this.#session?.closed(reason)
  }
}
