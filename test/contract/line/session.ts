import { assert, failed } from '../../../src/base/index.ts'
import { plainNames, type Delivery, type Notice, type Opened } from '../../../src/core/index.ts'
import type { OpResult, PublishOp } from '../../../src/core/index.ts'
import { BatchBuilder } from '../../../src/log/index.ts'
import type { Peer, ProtocolContext, Session } from '../../../src/server/index.ts'
import { LineReader, parsePattern } from './wire.ts'

/** What one command is answered with, given the results of its chunk's publishes. */
type Answer = (results: readonly OpResult[]) => string

/** One client: lines in, core calls, lines out. */
export class LineSession implements Session {
  readonly #peer: Peer
  readonly #context: ProtocolContext
  readonly #reader = new LineReader()
  readonly #batch = new BatchBuilder()
  readonly #space: number
  #opened: Opened | undefined
  /** Answers go out in the order of the commands, so each chunk's wait for those before. */
  #lastAnswer: Promise<void>
  #slow = false
  #over = false

  constructor(peer: Peer, context: ProtocolContext) {
    this.#peer = peer
    this.#context = context
    const namespace = context.broker.findNamespace('default')!
    this.#space = context.broker.findSpace(namespace.id, '')!.id
    peer.pause()
    this.#lastAnswer = this.#start(namespace.id).catch((error: unknown) => this.#fail(error))
  }

  /** The core knows this client from here on; nothing was read before. */
  async #start(namespace: number): Promise<void> {
    const opened = await this.#context.broker.open(
      { namespace, user: 'anonymous', client: { protocol: 'line', address: this.#peer.address } },
      { deliver: (deliveries) => this.#deliver(deliveries), notice: (notice) => this.#notice(notice) },
    )
    if (failed(opened)) return this.#goodbye(`-ERR ${opened.detail}`)
    this.#opened = opened.ok
    if (this.#over) this.#end()
    else this.#peer.resume()
  }

  /** Nobody logs in. */
  get known(): boolean {
    return this.#opened !== undefined
  }

  get unfinished(): number {
    return this.#reader.unfinished
  }

  receive(chunk: Buffer): void {
    const lines = this.#reader.take(chunk)
    if (lines === undefined) return this.#goodbye('-ERR line too long')
    assert(this.#opened !== undefined, 'reading begins when the session is open')
    const { session, epoch } = this.#opened
    const before = this.#lastAnswer
    const ops: PublishOp[] = []
    const answers = lines.map((text) => this.#run(text, ops))
    this.#context.metrics.messagesIn += ops.length
    // All that one chunk publishes is one commit: one wait for the disk, however many lines there are.
    const committed = ops.length === 0 ? Promise.resolve([]) : this.#context.broker.commit(ops, { session, epoch })
    this.#lastAnswer = this.#reply(before, answers, committed).catch((error: unknown) => this.#fail(error))
  }

  #run(text: string, ops: PublishOp[]): Answer | Promise<Answer> {
    const [verb = '', name = '', ...words] = text.split(' ')
    switch (verb.toUpperCase()) {
      case 'PUB': {
        const index = ops.push(this.#publish(name, words.join(' '))) - 1
        return (results) => outcomeText(results[index]!)
      }
      case 'SUB':
        return this.#subscribe(name)
      case 'PING':
        return () => '+PONG'
      case 'QUIT':
        return () => '+BYE'
      default:
        return () => '-ERR unknown command; there are PUB, SUB, PING, QUIT'
    }
  }

  #publish(name: string, text: string): PublishOp {
    this.#batch.add(this.#context.clock.now(), null, Buffer.from(text, 'latin1'))
    const to = [{ space: this.#space, levels: plainNames.decode(name) }]
    return { op: 'publish', to, batch: this.#batch.finish(), foreign: true }
  }

  async #subscribe(text: string): Promise<Answer> {
    const { session } = this.#opened!
    const route = { kind: 'route', space: this.#space, pattern: parsePattern(text), owner: session } as const
    const [defined] = await this.#context.broker.define([{ ...route, target: { session } }], 'ensure')
    return () => outcomeText(defined!)
  }

  async #reply(
    before: Promise<void>,
    answers: readonly (Answer | Promise<Answer>)[],
    committed: Promise<readonly OpResult[]>,
  ): Promise<void> {
    const results = await committed
    await before
    for (const answer of answers) {
      const text = (await answer)(results)
      if (text === '+BYE') return this.#goodbye(text)
      this.#write(text)
    }
  }

  #deliver(deliveries: readonly Delivery[]): void {
    for (const { batch, first, count } of deliveries) {
      const name = plainNames.encode(batch.address?.levels ?? [])
      // A live subscriber that does not keep up loses messages; it costs nobody else anything.
      for (let index = first; index < first + count && !this.#slow; index++) {
        this.#context.metrics.messagesOut++
        this.#write(`MSG ${name} ${batch.table.value(index)?.toString('latin1') ?? ''}`)
      }
    }
  }

  #notice(notice: Notice): void {
    if (notice.notice === 'fenced') this.#goodbye('-ERR this session was ended')
  }

  #write(text: string): void {
    if (!this.#peer.write(Buffer.from(`${text}\n`, 'latin1'))) this.#slow = true
  }

  #goodbye(text: string): void {
    this.#write(text)
    this.#peer.close('server')
  }

  #fail(error: unknown): void {
    this.#context.log.error('line session failed', { error })
    this.#peer.close('error')
  }

  drained(): void {
    this.#slow = false
  }

  stop(): void {
    this.#lastAnswer.then(() => this.#goodbye('-ERR stopping')).catch((error: unknown) => this.#fail(error))
  }

  closed(): void {
    this.#over = true
    if (this.#opened !== undefined) this.#end()
  }

  #end(): void {
    const { session, epoch } = this.#opened!
    this.#context.broker.close(session, epoch, { wills: 'drop' }).catch((error: unknown) => this.#fail(error))
  }
}

function outcomeText(outcome: { ok: unknown } | { error: string; detail: string }): string {
  return 'error' in outcome ? `-ERR ${outcome.detail}` : '+OK'
}
