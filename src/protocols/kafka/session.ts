/**
 * One client's connection: requests in, responses out in the same order.
 *
 * Requests are handled one after another, as Kafka does: a parked Fetch, JoinGroup or SyncGroup holds up what follows.
 * Only Produce requests may be under way together, so that a pipelining producer fills one commit with many of them.
 */
import { failed, MalformedError, type SlabLease } from '../../base/index.ts'
import type { Receiver } from '../../core/index.ts'
import type { CloseReason, Peer, ProtocolContext, Session } from '../../server/index.ts'
import type { Answer, Call, Shared } from './call.ts'
import {
  inputBytesFair,
  inputBytesHigh,
  inputBytesMax,
  requestBytesBeside,
  requestBytesMax,
  requestBytesUnderWayMax,
  requestsUnderWayMax,
  throttledBytesMin,
  throttleMsMax,
} from './limits.ts'
import { FetchAhead } from './fetch-ahead.ts'
import { operationOf } from './operations/index.ts'
import { unknownVersion } from './operations/api-versions.ts'
import { toldWhileUnavailable } from './operations/unavailable.ts'
import { APIS, apiOf, isSupported } from './wire/apis.ts'
import { Frames } from './wire/frames.ts'
import { readHeader, readRequest } from './wire/request.ts'
import type { RequestHeader } from './wire/request.ts'
import { encodeResponse } from './wire/response.ts'
import type { Table } from './wire/schema.ts'

/** A request under way. `chunks` null: no answer yet; empty: there will be none. */
interface Pending {
  apiKey: number
  bytes: number
  chunks: Buffer[] | null
  /** What its memory is in use for: its answer, and work that may last longer. */
  uses: number
  /** Memory of its answer, used again when that was sent. */
  memory: SlabLease | null
  whenSent: (() => void)[]
}

/** Requests that may wait for others to do something. */
const parks: ReadonlySet<number> = new Set([APIS.fetch.key, APIS.joinGroup.key, APIS.syncGroup.key])

/** Who calls while there is no session: nothing that needs one is called. */
const nobody = { session: 0, epoch: 0 }

export class KafkaSession implements Session {
  private readonly peer: Peer
  private readonly context: ProtocolContext
  private readonly shared: Shared
  private readonly frames: Frames
  private readonly ahead: FetchAhead
  private readonly underWay: Pending[] = []
  private bytesUnderWay = 0
  private inputBytes = 0
  /** Taken from the input and not started yet, since something before it is under way. */
  private next: RequestHeader | null = null
  private identity: { session: number; epoch: number } | null = null
  /** There is no session, since the storage has failed. */
  private unavailable = false
  /** Until it is back. */
  private waiting = false
  private slowPeer = false
  /** More is produced than the disk takes. */
  private crowded = false
  private paused = false
  private stopping = false
  private over = false

  constructor(peer: Peer, context: ProtocolContext, shared: Shared) {
    this.peer = peer
    this.context = context
    this.shared = shared
    this.frames = new Frames(Math.max(requestBytesMax, shared.settings.messageBytesMax + requestBytesBeside))
    const { broker, timers, answers } = shared
    const [room, keeps] = [() => peer.room, (bytes: number) => peer.keeps(bytes)]
    this.ahead = new FetchAhead({ broker, timers, pool: answers, room, keeps })
    void this.openSession()
  }

  private async openSession(): Promise<void> {
    const { broker, namespace } = this.shared
    const receiver: Receiver = {
      deliver: () => undefined,
      notice: (notice) => {
        if (notice.notice === 'fenced') this.end('server')
        else if (notice.notice === 'unavailable') this.storageFailed()
        else if (notice.notice === 'blocked') this.crowded = !notice.refusing
        else if (notice.notice === 'unblocked') this.crowded = false
      },
    }
    const client = { protocol: 'kafka', address: this.peer.address }
    const opened = await broker.open({ namespace, user: '', client }, receiver)
    if (failed(opened)) {
      if (this.over) return
      if (opened.error === 'unavailable') return this.storageFailed()
      this.context.log.warn('no session for a client', { address: this.peer.address, detail: opened.detail })
      this.end('error')
      return
    }
    this.identity = opened.ok
    this.unavailable = false
    if (this.over) this.closeSession()
    else this.advance()
  }

  /** The connection stays: requests are told so, and it goes on when the storage is back. */
  private storageFailed(): void {
    this.identity = null
    this.crowded = false
    this.ahead.drop()
    // Told twice while a session is being opened: as a notice, and in the answer.
    if (this.waiting) return
    this.waiting = true
    this.unavailable = true
    void this.shared.broker.available().then((available) => {
      this.waiting = false
      if (this.over) return
      if (available) void this.openSession()
      else this.end('stopping')
    })
    this.advance()
  }

  private closeSession(): void {
    if (this.identity === null) return
    const { session, epoch } = this.identity
    void this.shared.broker.close(session, epoch, { keepMs: 0, wills: 'drop' })
  }

  /** Nobody logs in: who sends a whole request is a client. */
  get known(): boolean {
    return this.frames.taken > 0
  }

  /** While a request is worked on those behind it wait for us. */
  get unfinished(): number {
    const waits = this.underWay.length > 0 || this.next !== null
    return waits || this.frames.pending === 0 ? 0 : this.frames.taken + 1
  }

  receive(chunk: Buffer): void {
    this.frames.push(chunk)
    this.advance()
  }

  drained(): void {
    this.slowPeer = false
    this.advance()
  }

  closed(_reason: CloseReason): void {
    this.over = true
    this.ahead.end()
    this.shared.inputBytes -= this.inputBytes
    this.inputBytes = 0
    this.closeSession()
  }

  stop(): void {
    this.stopping = true
    this.maybeStop()
  }

  /** What may be parked has promised nothing; whatever else is under way is answered first. */
  private maybeStop(): void {
    if (!this.stopping) return
    const waits = this.underWay.some(({ apiKey }) => !parks.has(apiKey))
    if (!waits) this.end('stopping')
  }

  private end(reason: CloseReason): void {
    this.over = true
    this.peer.close(reason)
  }

  private advance(): void {
    try {
      while (!this.over && !this.stopping && !this.slowPeer && (this.identity !== null || this.unavailable)) {
        const request = this.takeNext()
        if (request === null || !this.mayStart(request)) break
        this.next = null
        this.start(request)
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      this.context.log.info('malformed request', { address: this.peer.address, detail: error.message })
      this.end('error')
    }
    this.account()
    this.throttle()
  }

  /** Requests of 100 MB are allowed, but not many half ones at a time: memory is everybody's. */
  private account(): void {
    if (this.over) return
    this.peer.underWay(this.bytesUnderWay)
    this.peer.arriving(this.frames.arriving)
    this.shared.inputBytes += this.frames.pending - this.inputBytes
    this.inputBytes = this.frames.pending
    if (this.shared.inputBytes <= inputBytesMax || this.inputBytes <= inputBytesFair) return
    this.context.log.warn('too much unfinished input', { address: this.peer.address, bytes: this.inputBytes })
    this.end('error')
  }

  private takeNext(): RequestHeader | null {
    if (this.next === null) {
      const frame = this.frames.next()
      if (frame !== null) this.next = readHeader(frame)
    }
    return this.next
  }

  private mayStart(request: RequestHeader): boolean {
    if (this.underWay.length === 0) return true
    if (request.apiKey !== APIS.produce.key || this.underWay.at(-1)!.apiKey !== APIS.produce.key) return false
    return this.underWay.length < requestsUnderWayMax && this.bytesUnderWay < requestBytesUnderWayMax
  }

  /** Input that cannot be worked on is left in the socket, where it slows the client down. */
  private throttle(): void {
    const full = this.next !== null && this.frames.pending > inputBytesHigh
    if (full === this.paused || this.over) return
    this.paused = full
    if (full) this.peer.pause()
    else this.peer.resume()
  }

  private start(header: RequestHeader): void {
    const { apiKey, apiVersion: version, correlationId, body } = header
    const found = operationOf(apiKey)
    const api = apiOf(apiKey)
    if (found === undefined || api === undefined || !isSupported(api, version)) {
      this.refuse(header)
      return
    }
    const pending: Pending = { apiKey, bytes: body.end, chunks: null, uses: 1, memory: null, whenSent: [] }
    this.underWay.push(pending)
    this.bytesUnderWay += pending.bytes
    const handle = this.unavailable ? toldWhileUnavailable(apiKey) : found.handle
    if (handle === undefined) return this.end('server')
    const answer = handle(readRequest(api, version, body), this.call(header, pending))
    const finish = (values: Answer<Table>): void => {
      if (values === 'close') {
        this.end('error')
        return
      }
      pending.chunks = values === 'none' ? [] : encodeResponse(api, version, correlationId, values)
      this.flush()
    }
    if (answer instanceof Promise) {
      answer
        .then((values) => {
          finish(values)
          this.advance()
        })
        .catch((error: unknown) => this.failed(error, api.name))
    } else finish(answer)
  }

  private failed(error: unknown, operation: string): void {
    this.context.log.error('a request failed', { operation, error: String((error as Error).stack ?? error) })
    this.end('error')
  }

  /** KIP-35: a version of ApiVersions that is not known is answered in version 0; whatever else cannot be. */
  private refuse({ apiKey, apiVersion, correlationId }: RequestHeader): void {
    if (apiKey !== APIS.apiVersions.key) {
      this.context.log.info('unsupported request', { address: this.peer.address, apiKey, apiVersion })
      this.end('error')
      return
    }
    const chunks = encodeResponse(APIS.apiVersions, 0, correlationId, unknownVersion)
    this.underWay.push({ apiKey, bytes: 0, chunks, uses: 1, memory: null, whenSent: [] })
    this.flush()
  }

  /** More is produced than the disk takes, and much of it by this client. */
  private get crowds(): boolean {
    return this.crowded && this.bytesUnderWay > throttledBytesMin
  }

  private call(header: RequestHeader, pending: Pending): Call {
    const { session, epoch } = this.identity ?? nobody
    const { advertised, metrics } = this.context
    const clientId = header.clientId ?? ''
    const host = `/${this.peer.address.replace(/:\d+$/, '')}`
    const { clock } = this.context
    const { shared } = this
    const began = clock.monotonic()
    return {
      shared,
      version: header.apiVersion,
      clientId,
      host,
      session,
      epoch,
      advertised,
      metrics,
      throttleMs: () => (this.crowds ? Math.min(throttleMsMax, Math.ceil(clock.monotonic() - began)) : 0),
      usedUntil: (work) => {
        pending.uses++
        const over = (): void => {
          if (this.release(pending)) this.advance()
        }
        work.then(over, over)
      },
      room: () => this.peer.room,
      whenSent: (run) => void pending.whenSent.push(run),
      ahead: this.ahead,
      get memory() {
        if (pending.memory === null) {
          const memory = (pending.memory = shared.answers.lease())
          pending.whenSent.push(() => memory.clear())
        }
        return pending.memory
      },
    }
  }

  /** True: it was the last use of the request's memory. */
  private release(pending: Pending): boolean {
    if (--pending.uses > 0) return false
    this.bytesUnderWay -= pending.bytes
    return true
  }

  /** Sends what is ready, from the front on. */
  private flush(): void {
    if (this.over) return
    let sent = 0
    while (sent < this.underWay.length && this.underWay[sent]!.chunks !== null) {
      const pending = this.underWay[sent++]!
      this.release(pending)
      for (const chunk of pending.chunks!) if (!this.peer.write(chunk)) this.slowPeer = true
      if (pending.whenSent.length > 0) this.peer.whenTaken(() => pending.whenSent.forEach((run) => run()))
    }
    this.underWay.splice(0, sent)
    this.maybeStop()
  }
}
