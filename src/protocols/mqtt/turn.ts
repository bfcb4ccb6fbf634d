import { BatchBuilder } from '../../log/index.ts'
import type { Clock } from '../../world/index.ts'
import type { Address, AppendOp, Id, Levels, Op, PublishOp, SaveOp, SettleOp, Verdict } from '../../core/index.ts'
import type { Source } from './delivery/in-flight.ts'
import { batchBytesMax, recordBytes } from './limits.ts'
import { recordParts } from './mapping.ts'
import { Reason } from './wire/index.ts'
import type { AckType, PublishFrame } from './wire/index.ts'

/** What a publish is addressed to. */
export type Target = { to: readonly Address[] } | { log: { namespace: Id; name: Levels } }

/** A topic, and where it leads; an alias keeps both, or seven bytes would have 64 KiB taken apart each time. */
export interface Addressed {
  topic: string
  target: Target
}

/** A packet owed to the client once the commit is durable; columns, not objects. */
export interface Replies {
  types: AckType[]
  packetIds: number[]
  /** The op that this answers, or -1: it cannot fail any more. */
  ops: number[]
  /** The record in that op; without an op, the reason code to send. */
  records: number[]
}

/** Shared by all turns that owe nothing: most of them. Never added to. */
export const noReplies: Replies = { types: [], packetIds: [], ops: [], records: [] }

type Settles = SettleOp & { ranges: SettleOp['ranges'][number][] }

/** Verdicts are compared by identity, so they are these. */
export const done: Verdict = { do: 'done' }
export const unsayable: Verdict = { do: 'reject', reason: 'unrepresentable' }
/** It was never sent. */
export const unseen: Verdict = { do: 'release', count: false }

/** Builders that no turn has at the moment: a turn is short, and most need one. */
const spareBuilders: BatchBuilder[] = []
const spareBuildersMax = 4

/** All that one chunk of one client asks of the core: one commit, then its replies in order. */
export class Turn {
  private readonly ops: Op[] = []
  private readonly settles: Settles[] = []
  replies: Replies = noReplies
  /** Bytes published, with what a record costs beside its payload. */
  bytes = 0
  /** Leased messages that are done, as many more may be delivered; and their bytes, by consumer. */
  completed = 0
  completedBytes: Map<Id, number> | undefined
  /** Where the publish just added stands: the op it is in, and the record of that. */
  lastOp = -1
  lastRecord = -1
  private builder: BatchBuilder | undefined
  private topic: string | undefined
  private target: Target | undefined
  private atMostOnce = false
  private expiresAt: number | undefined

  /** Adds a publish. Neighbours to one topic with equal facts share a batch; the reply comes with `owe`. */
  publish(frame: PublishFrame, topic: string, target: Target, clock: Clock): void {
    const expiry = frame.properties.messageExpiryInterval
    const expiresAt = expiry === undefined ? undefined : clock.now() + expiry * 1000
    const atMostOnce = frame.qos === 0
    const alone = frame.retain
    const fits = !alone && topic === this.topic && atMostOnce === this.atMostOnce && expiresAt === this.expiresAt
    if (!fits) {
      this.seal()
      this.topic = topic
      this.target = target
      this.atMostOnce = atMostOnce
      this.expiresAt = expiresAt
      // Kept with each batch, also where the packet named an alias.
      this.bytes += topic.length
    }
    const { key, envelope } = recordParts(frame.properties, frame.qos, frame.retain)
    const builder = (this.builder ??= spareBuilders.pop() ?? new BatchBuilder())
    // Noted before anything is sealed: then it is in no builder any more.
    this.lastOp = this.ops.length
    this.lastRecord = builder.count
    builder.add(clock.wall(), key, frame.payload, envelope)
    this.bytes += frame.payload.length + recordBytes
    if (alone) this.seal(true)
    else if (builder.bytes > batchBytesMax) this.seal()
  }

  /** Owes an acknowledgement of the publish just added. */
  oweLast(type: AckType, packetId: number): void {
    this.owe(type, packetId, this.lastOp, this.lastRecord)
  }

  owe(type: AckType, packetId: number, op = -1, record: number = Reason.success): void {
    if (this.replies === noReplies) this.replies = { types: [], packetIds: [], ops: [], records: [] }
    const replies = this.replies
    replies.types.push(type)
    replies.packetIds.push(packetId)
    replies.ops.push(op)
    replies.records.push(record)
  }

  /** What becomes of a leased message; neighbours share a range. */
  settle(source: Source, as: Verdict): void {
    const { subscription, partition, offset, attempt } = source
    let op = this.settles[0]
    if (op !== undefined && (op.subscription !== subscription || op.as !== as))
      op = this.settles.find((each) => each.subscription === subscription && each.as === as)
    if (op === undefined) this.settles.push((op = { op: 'settle', subscription, ranges: [], as }))
    const range = op.ranges[op.ranges.length - 1]
    if (range?.partition === partition && range.last === offset - 1 && range.attempt === attempt) range.last = offset
    else op.ranges.push({ partition, first: offset, last: offset, attempt })
  }

  /** Gives back the credit that the message took. */
  complete({ consumer, bytes }: Source): void {
    this.completed++
    const all = (this.completedBytes ??= new Map<Id, number>())
    all.set(consumer, (all.get(consumer) ?? 0) + bytes)
  }

  /** Everything there is to commit, in order; the turn is over. */
  take(saves: readonly SaveOp[]): Op[] {
    this.seal()
    if (this.builder !== undefined && spareBuilders.length < spareBuildersMax) spareBuilders.push(this.builder)
    this.builder = undefined
    this.ops.push(...this.settles, ...saves)
    return this.ops
  }

  /** Closes the batch being filled. */
  private seal(retain = false): void {
    const builder = this.builder
    if (builder === undefined || builder.count === 0) return
    const target = this.target!
    const { expiresAt, atMostOnce } = this
    const batch = builder.finish()
    const op: AppendOp | PublishOp =
      'log' in target
        ? { op: 'append', log: target.log, batch, foreign: true }
        : { op: 'publish', to: target.to, batch, foreign: true, atMostOnce, retain }
    if (expiresAt !== undefined) op.expiresAt = expiresAt
    this.ops.push(op)
    this.topic = undefined
  }
}
