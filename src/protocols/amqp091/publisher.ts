import { sameBytes } from '../../base/index.ts'
import type { Address, AppendOp, Id, Op, OpResult, PublishOp, SettleOp, Verdict } from '../../core/index.ts'
import { BatchBuilder } from '../../log/index.ts'
import type { Channel } from './channel.ts'
import { answerPublishes, type PublishGroup } from './confirms.ts'
import { Content, type PublishFacts } from './content.ts'
import { limits } from './limits.ts'
import type { Link } from './link.ts'
import { goesAlone, resolveRoute, targetOf, type PublishRoute } from './publish-route.ts'
import { readPublishFacts } from './publish-facts.ts'
import type { SettledRange } from './unsettled.ts'
import { readPublish } from './wire/index.ts'

/** Batches are begun and finished within one turn, so one builder serves all connections. */
const builder = new BatchBuilder()
const nothing: Buffer = Buffer.alloc(0)
/** Properties of one publish that are kept to compare the next one's with. */
const keptBytesMax = 256

/** Publishes that become one batch: they agree in everything that is said of a batch as a whole. */
interface OpenGroup {
  channel: Channel
  route: PublishRoute
  priority: number | undefined
  expiresAt: number | undefined
  /** When it is to be routed, if not now. */
  due: number | undefined
  copies: readonly string[]
  first: number
}

/**
 * Gathers the publishes and the settled deliveries of one connection into ops, and commits them once for each chunk
 * of input, or before anything else is done. What a publish has in common with the one before it (the bytes of its
 * method, the bytes of its properties) is read once.
 */
export class Publisher {
  private readonly link: Link
  private readonly failed: (channel: Channel, error: unknown) => void
  private ops: Op[] = []
  /** Rejected and released: they may have to be read from disk and moved first, and wait for a full one to have space. */
  private moves: Op[] = []
  private groups: PublishGroup[] = []
  private group: OpenGroup | null = null
  private route: PublishRoute | null = null
  private methodBytes = nothing
  private facts: PublishFacts | null = null
  private propertyBytes = nothing
  private factsOf = 0
  private now = 0
  private wall = 0
  private settle: SettleOp | null = null
  /** Durable, and to be answered together; and what became of their ops. */
  private answered: PublishGroup[] = []
  private results: OpResult[] = []

  constructor(link: Link, failed: (channel: Channel, error: unknown) => void) {
    this.link = link
    this.failed = failed
    link.outbox.gathered = () => this.answer()
  }

  /** basic.publish; its arguments lie in the buffer from `start` to `end`. */
  begin(channel: Channel, buffer: Buffer, start: number, end: number): void {
    let route = this.route
    if (route?.channel !== channel.number || !sameBytes(buffer, start, end, this.methodBytes)) {
      route = resolveRoute(this.link, channel.number, readPublish(buffer, start, end))
      this.route = route
      this.methodBytes = buffer.subarray(start, end)
    }
    channel.content = new Content(route)
  }

  /** The properties of the content, from the flags on. */
  properties(channel: Channel, content: Content, raw: Buffer): void {
    if (this.facts === null || this.factsOf !== channel.number || !sameBytes(raw, 0, raw.length, this.propertyBytes)) {
      this.facts = readPublishFacts(raw, this.link.user, channel.replyConsumer?.name)
      this.factsOf = channel.number
      // They are kept over the end of a chunk, which must not be kept with them.
      this.propertyBytes = raw.length <= keptBytesMax ? Buffer.from(raw) : raw
    }
    content.facts = this.facts
  }

  /** The content is whole. */
  add(channel: Channel, route: PublishRoute, facts: PublishFacts, body: Buffer): void {
    if (this.now === 0) {
      this.now = this.link.context.clock.now()
      this.wall = this.link.context.clock.wall()
    }
    const due = route.delayed && facts.delayMs !== undefined ? this.now + facts.delayMs : undefined
    // A message lives from when it is in the queue: the delay is none of it.
    const expiresAt = facts.timeToLiveMs === undefined ? undefined : (due ?? this.now) + facts.timeToLiveMs
    this.open(channel, route, facts, expiresAt, due)
    builder.add(facts.timestamp ?? this.wall, facts.key, body, facts.envelope)
    if (channel.nextPublish > 0) channel.nextPublish++
    this.link.context.metrics.messagesIn++
    this.link.published()
    if (goesAlone(this.link, route, facts.copies) || builder.bytes >= limits.batchBytesMax) this.close()
  }

  private open(
    channel: Channel,
    route: PublishRoute,
    facts: PublishFacts,
    expiresAt: number | undefined,
    due: number | undefined,
  ): void {
    const { group } = this
    const goesOn =
      group !== null &&
      group.route === route &&
      group.channel === channel &&
      group.priority === facts.priority &&
      group.expiresAt === expiresAt &&
      group.due === due &&
      group.copies === facts.copies
    if (goesOn) return
    this.close()
    const { priority, copies } = facts
    this.group = { channel, route, priority, expiresAt, due, copies, first: channel.nextPublish }
  }

  /** The batch of the open group becomes its ops. */
  private close(): void {
    const { group } = this
    if (group === null) return
    this.group = null
    const { channel, route, priority, expiresAt, due, copies, first } = group
    const count = builder.count
    const batch = builder.finish()
    const before = this.ops.length
    const to: Address[] = []
    const logs: Id[] = []
    for (let i = -1; i < copies.length; i++) {
      const target = targetOf(this.link, route, i < 0 ? route.args.routingKey : copies[i]!)
      if (target === null) continue
      if ('to' in target) to.push(target.to)
      else if (!logs.includes(target.log)) logs.push(target.log)
    }
    for (const log of logs) this.push({ op: 'append', log, batch, foreign: true }, priority, expiresAt)
    if (to.length > 0) {
      const op: PublishOp = { op: 'publish', to, batch, foreign: true }
      if (due !== undefined) op.due = due
      this.push(op, priority, expiresAt)
    }
    this.groups.push({
      channel,
      route,
      batch,
      count,
      first,
      firstOp: before,
      ops: this.ops.length - before,
      inTransaction: false,
    })
    this.settle = null
  }

  private push(op: AppendOp | PublishOp, priority: number | undefined, expiresAt: number | undefined): void {
    if (priority !== undefined) op.priority = priority
    if (expiresAt !== undefined) op.expiresAt = expiresAt
    this.ops.push(op)
  }

  /** Deliveries were settled; ranges next to one another become one. */
  settled(range: SettledRange, as: Verdict): void {
    const { subscription, partition, first, last, attempt } = range
    if (this.settle?.subscription !== subscription || !sameVerdict(this.settle.as, as)) {
      this.settle = { op: 'settle', subscription, ranges: [], as }
      const ops = as.do === 'done' ? this.ops : this.moves
      ops.push(this.settle)
    }
    const ranges = this.settle.ranges as SettleOp['ranges'][number][]
    const before = ranges.at(-1)
    if (before?.partition === partition && before.last + 1 === first && before.attempt === attempt) before.last = last
    else ranges.push({ partition, first, last, attempt })
  }

  /** Commits what was gathered. Call before anything else is done for this connection, and at the end of a chunk. */
  flush(): void {
    void this.commit(false)
  }

  /** `atomic`: all or none. Returns what becomes of the ops; null: there are none. */
  commit(atomic: boolean): Promise<readonly OpResult[]> | null {
    this.close()
    this.route = null
    this.methodBytes = nothing
    // What a direct reply-to stands for may change; all else follows from the bytes alone.
    if (this.facts?.properties.replyTo !== undefined || this.propertyBytes.length > keptBytesMax) this.facts = null
    this.now = 0
    this.settle = null
    const { ops, moves, groups, link } = this
    if (ops.length === 0 && groups.length === 0 && moves.length === 0) return null
    if (atomic) for (const group of groups) group.inTransaction = true
    this.ops = []
    this.moves = []
    this.groups = []
    const { session, epoch } = link
    // Nobody waits for the answer to an acknowledgement.
    const soft = groups.length === 0 && !atomic
    if (atomic || groups.length === 0) ops.push(...moves)
    // A publish must not wait with them for its answer.
    else if (moves.length > 0) void link.broker.commit(moves, { session, epoch, soft: true })
    const committed: Promise<OpResult[]> =
      ops.length === 0
        ? link.broker.settled().then(() => [])
        : link.broker.commit(ops, { session, epoch, soft, atomic })
    if (groups.length === 0) return committed
    let bytes = 0
    for (const group of groups) bytes += group.batch.length
    link.stagedBytes += bytes
    link.peer.underWay(link.stagedBytes)
    const answered = (): void => {
      link.stagedBytes -= bytes
    }
    link.outbox.after(
      committed,
      (results) => {
        answered()
        for (const group of groups) group.firstOp += this.results.length
        this.answered.push(...groups)
        this.results.push(...results)
      },
      (error) => {
        answered()
        this.failed(groups[0]!.channel, error)
      },
      true,
    )
    return committed
  }

  /** Publishes that one commit made durable are answered together, however many chunks they came in. */
  private answer(): void {
    const { answered, results } = this
    this.answered = []
    this.results = []
    answerPublishes(this.link, answered, results, this.failed)
  }
}

function sameVerdict(a: Verdict, b: Verdict): boolean {
  return a.do === b.do
}
