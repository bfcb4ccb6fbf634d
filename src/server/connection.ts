import type { Connection, ConnectionEvents } from '../world/index.ts'
import type { ListenerMetrics } from './metrics.ts'
import { shareBytesMin, type Arrival, type Memory } from './memory.ts'
import { Output } from './output.ts'
import { Patience, type Deadlines } from './patience.ts'
import type { CloseReason, Peer, Session } from './protocol.ts'
import type { TurnEnd } from './turn.ts'

export interface ConnectionLimits {
  outputBytesHigh: number
  outputBytesMax: number
}

/** What a connection needs of the server around it. */
export interface ConnectionHost {
  readonly limits: ConnectionLimits
  readonly turnEnd: TurnEnd
  readonly metrics: ListenerMetrics
  readonly memory: Memory
  /** The session threw: a programmer's error, which ends this connection only. */
  failed(connection: ClientConnection, error: unknown): void
  closed(connection: ClientConnection): void
  /** Ms, of a clock that never goes back. */
  now(): number
}

/** So much written in one turn does not wait for its end: the socket may take it already. */
const turnBytesMax = 256 * 1024
/** A message up to this size waits for nobody when it has come in part. */
const arrivalBytesFree = 64 * 1024

/** Who keeps the broker at work for so long in one turn waits for the next one: the others are read first. */
const workMsMax = 2
/** A chunk of very small messages is a long piece of work: it is taken in pieces of about this, by what the last took. */
const pieceMs = 1
const pieceBytesMin = 1024
/** Who waits for the rest of a large message gets so much between two looks, or others are let go before it. */
const stalledBytes = 16 * 1024

/** So long what a client has sent before it left may take. */
const endedMsMax = 10_000

/** Why a client is not read from. */
const Hold = { session: 1, unanswered: 2, arriving: 4, unsent: 8, worked: 16 } as const

/**
 * Between one socket and one session: gathers a turn's writes, bounds what the client makes the broker hold, and makes sure that `closed` is
 * called exactly once and that nothing reaches the session after it.
 */
export class ClientConnection implements Peer, ConnectionEvents {
  readonly address: string
  readonly local: boolean
  readonly openedAt: number
  readonly #connection: Connection
  readonly #host: ConnectionHost
  #session: Session | undefined
  readonly #output: Output
  #owesDrained = false
  #holds = 0
  /** What the shared budgets have been told. */
  #unanswered = 0
  #kept = 0
  #unsent = 0
  #unsentBefore = 0
  #arrival: Arrival | undefined
  /** It is whole, and waits for its answer. */
  #arrived = false
  /** What a transport still handed over after it was told to pause. */
  #held: Buffer[] = []
  /** Bytes that have come in. */
  #received = 0
  readonly #patience = new Patience()
  #receivedBefore = 0
  #workedMs = 0
  #pieceBytes = Infinity
  #closing: CloseReason | undefined
  /** When the client had sent its last byte. */
  #endedAt: number | undefined
  /** The connection is gone; what came by it is still worked on. */
  #lost: { error: string | undefined } | undefined
  #over = false

  constructor(connection: Connection, host: ConnectionHost, openedAt: number) {
    this.address = connection.address
    this.local = connection.local
    this.openedAt = openedAt
    this.#connection = connection
    this.#output = new Output(connection)
    this.#host = host
  }

  /** The session is made with this peer in hand, so it is given afterwards. */
  serve(session: Session): void {
    this.#session = session
  }

  get buffered(): number {
    return this.#output.bytes
  }

  get reading(): boolean {
    return this.#holds === 0
  }

  mayBeSilent(): boolean {
    const before = this.#unsentBefore
    this.#unsentBefore = this.buffered
    return !this.reading && (this.#holds !== Hold.unsent || this.buffered < before)
  }

  get room(): number {
    return Math.max(shareBytesMin, this.#host.memory.unsent.share) - this.#unsent
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closing !== undefined || this.#over) return false
    if (this.#lost !== undefined) return true
    if (bytes.length === 0) return !this.#owesDrained
    const output = this.#output
    if (output.turnBytes === 0) this.#host.turnEnd.add(this)
    output.push(bytes)
    this.#host.metrics.bytesOut += bytes.length
    if (output.turnBytes >= turnBytesMax) output.flush()
    this.#count()
    const { outputBytesHigh, outputBytesMax } = this.#host.limits
    if (output.bytes <= Math.min(outputBytesHigh, this.room + output.bytes)) return !this.#owesDrained
    // One frame alone may be larger than the limit; more on top of what is unsent may not.
    if (output.bytes > outputBytesMax && output.bytes > bytes.length * 2) this.#drop()
    this.#owesDrained = true
    return false
  }

  whenTaken(run: () => void): void {
    if (!this.#over) this.#output.whenTaken(run)
  }

  flush(): void {
    this.#workedMs = 0
    this.#hold(Hold.worked, false)
    if (this.#held.length > 0 && this.reading) this.#release()
    if (this.#over) return
    if (this.#lost === undefined) this.#output.flush()
    this.#count()
    if (this.#owesDrained && this.#output.bytes === 0) this.#drained()
    this.#settleEnd()
  }

  close(reason: CloseReason): void {
    if (this.#closing !== undefined || this.#over) return
    this.#closing = reason
    if (this.#lost !== undefined) return this.#host.turnEnd.add(this)
    this.#output.flush(true)
    this.#connection.end()
  }

  pause(): void {
    this.#hold(Hold.session, true)
  }

  resume(): void {
    this.#hold(Hold.session, false)
  }

  underWay(bytes: number): void {
    if (this.#over) return
    const { memory } = this.#host
    const { unanswered } = memory
    unanswered.used += bytes - this.#unanswered
    if (bytes < this.#unanswered) memory.answered(this.#unanswered - bytes)
    this.#unanswered = bytes
    if (this.#arrived && bytes < this.#arrival!.bytes) this.#leave()
    const held = (this.#holds & Hold.unanswered) !== 0
    const most = Math.max(shareBytesMin, unanswered.share)
    this.#hold(Hold.unanswered, bytes > (held ? most / 2 : most))
    if (this.#endedAt !== undefined) this.#host.turnEnd.add(this)
  }

  arriving(bytes: number): void {
    const { arriving } = this.#host.memory
    const before = this.#arrival
    if (this.#over || bytes <= arrivalBytesFree) {
      if (before === undefined) return
      this.#arrived = !this.#over && this.#unanswered >= before.bytes
      if (!this.#arrived) this.#leave()
    } else if (before !== undefined && !this.#arrived) {
      if (before.bytes !== bytes) arriving.resize(before, bytes)
    } else {
      // The one before has had its turn: for the next one it is the others' turn first.
      if (before !== undefined) this.#leave()
      this.#arrival = { bytes, admitted: () => this.#hold(Hold.arriving, false) }
      if (!arriving.enter(this.#arrival)) this.#hold(Hold.arriving, true)
    }
  }

  #leave(): void {
    const before = this.#arrival!
    this.#arrival = undefined
    this.#arrived = false
    this.#host.memory.arriving.leave(before)
    this.#hold(Hold.arriving, false)
  }

  keeps(bytes: number): void {
    this.#kept = bytes
    this.#count()
  }

  /** Tells the budget of what is unsent; who asks for more than it reads is not read from either. */
  #count(): void {
    const { unsent } = this.#host.memory
    const isGone = this.#over || this.#lost !== undefined
    const bytes = isGone ? 0 : this.#output.bytes + this.#kept
    unsent.used += bytes - this.#unsent
    this.#unsent = bytes
    const most = Math.max(2 * this.#host.limits.outputBytesHigh, unsent.share)
    this.#hold(Hold.unsent, !isGone && this.#output.bytes > most)
  }

  #hold(reason: number, on: boolean): void {
    const before = this.#holds
    this.#holds = on ? before | reason : before & ~reason
    if (this.#closing !== undefined || this.#over || (before === 0) === (this.#holds === 0)) return
    if (before === 0) {
      this.#connection.pause()
      return
    }
    // Not at once: the session may be in the middle of a chunk that comes before the held ones.
    if (this.#held.length > 0 || this.#endedAt !== undefined) this.#host.turnEnd.add(this)
    this.#connection.resume()
  }

  /** Takes what is there, while it may. */
  #release(): void {
    const held = this.#held
    while (held.length > 0 && this.reading && this.#closing === undefined && !this.#over) {
      const chunk = held[0]!
      if (chunk.length <= this.#pieceBytes) {
        held.shift()
        this.#work(chunk)
      } else {
        held[0] = chunk.subarray(this.#pieceBytes)
        this.#work(chunk.subarray(0, this.#pieceBytes))
      }
    }
  }

  received(chunk: Buffer): void {
    if (this.#closing !== undefined || this.#over) return
    this.#received += chunk.length
    this.#host.metrics.bytesIn += chunk.length
    // Behind what is held it must stay behind.
    if (this.#held.push(chunk) === 1) this.#release()
  }

  #work(chunk: Buffer): void {
    const { now } = this.#host
    const { length } = chunk
    const began = now()
    this.#call((session) => session.receive(chunk))
    const took = now() - began
    this.#workedMs += took
    if (took > pieceMs) this.#pieceBytes = Math.max(pieceBytesMin, Math.ceil((length * pieceMs) / took))
    else if (took < pieceMs / 2 && length === this.#pieceBytes) this.#pieceBytes *= 2
    if (this.#workedMs <= workMsMax || this.#over) return
    this.#hold(Hold.worked, true)
    this.#host.turnEnd.add(this)
  }

  /** Now and then: closes the connection when its time is over, and lets others pass a message that does not come. */
  look(now: number, deadlines: Deadlines): void {
    if (this.#session === undefined || this.#over || this.#closing !== undefined) return
    if (this.#endedAt !== undefined && now - this.#endedAt > endedMsMax) return this.drop('client')
    const progress = { openedAt: this.openedAt, received: this.#received, reading: this.reading }
    if (this.#patience.over(now, this.#session, progress, deadlines)) return this.drop('timeout')
    const stalls = this.reading && this.#received - this.#receivedBefore < stalledBytes
    this.#receivedBefore = this.#received
    if (stalls && this.#arrival !== undefined && !this.#arrived && this.#host.memory.arriving.waiting > 0) this.#leave()
  }

  flushed(): void {
    if (this.#closing !== undefined || this.#over) return
    const empty = this.#output.taken()
    this.#count()
    if (empty && this.#owesDrained) this.#drained()
    this.#settleEnd()
  }

  #drained(): void {
    this.#owesDrained = false
    this.#call((session) => session.drained())
  }

  ended(): void {
    this.#endedAt ??= this.#host.now()
    this.#settleEnd()
  }

  closed(error: string | undefined): void {
    if (this.#over) return
    this.#lost = { error }
    this.#count()
    this.ended()
  }

  /**
   * Of a client that has left: the end comes when all that it sent was read, and answered if it can hear that. Its
   * goodbye may be the last of it, behind what it was not read for.
   */
  #settleEnd(): void {
    if (this.#endedAt === undefined || this.#over) return
    const isRead = this.#held.length === 0 && (this.#holds & ~Hold.unsent) === 0
    if (!isRead && this.#closing === undefined) return
    if (this.#lost !== undefined) this.#finish(this.#lost.error)
    else if (this.#unanswered === 0 && this.#output.bytes === 0) this.close('client')
  }

  #finish(error: string | undefined): void {
    this.underWay(0)
    this.#over = true
    this.arriving(0)
    this.#count()
    const reason = this.#closing ?? (error === undefined ? 'client' : 'error')
    this.#call((session) => session.closed(reason))
    this.#host.closed(this)
  }

  /** The server stops: the session says goodbye and closes when it has answered what is under way. */
  stop(): void {
    if (!this.#over && this.#closing === undefined) this.#call((session) => session.stop())
  }

  /** At once, without goodbye. */
  drop(reason: CloseReason): void {
    this.#closing ??= reason
    this.#connection.destroy()
    if (this.#lost !== undefined) this.#host.turnEnd.add(this)
  }

  #drop(): void {
    this.#host.metrics.slowConsumers++
    this.drop('error')
  }

  #call(run: (session: Session) => void): void {
    if (this.#session === undefined) return
    try {
      run(this.#session)
    } catch (error) {
      this.#host.failed(this, error)
    }
  }
}
