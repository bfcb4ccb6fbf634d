import type { Session } from './protocol.ts'

/** How long a client may take, ms. */
export interface Deadlines {
  firstByteMs: number
  loginMs: number
  messageMs: number
}

/** What is known of the client's end. */
export interface Progress {
  openedAt: number
  /** Bytes received in all. */
  received: number
  /** False: it is not read from, and can do nothing about it. */
  reading: boolean
}

/** A message that has begun to come has `messageMs`, and a second more for each of so many bytes. */
const bytesPerSecondMin = 1024

/**
 * One deadline for every way to say nothing: no byte at all, no login, a message that does not come to its end. It is
 * looked at now and then for all connections, so a connection needs no timer.
 */
export class Patience {
  /** The message that was coming at the last look. */
  #unfinished = 0
  #since = 0
  #receivedBefore = 0

  /** True: its time is over. */
  over(now: number, session: Session, { openedAt, received, reading }: Progress, deadlines: Deadlines): boolean {
    if (received === 0 && now - openedAt > deadlines.firstByteMs) return true
    if (!session.known) return now - openedAt > deadlines.loginMs
    const { unfinished } = session
    if (unfinished !== this.#unfinished || !reading) {
      this.#unfinished = unfinished
      this.#since = now
      this.#receivedBefore = received
      return false
    }
    if (unfinished === 0) return false
    const earnedMs = ((received - this.#receivedBefore) / bytesPerSecondMin) * 1000
    return now - this.#since > deadlines.messageMs + earnedMs
  }
}
