import type { Failure } from '../../base/index.ts'
import { decodeProperties, logFull, type OpResult } from '../../core/index.ts'
import { RecordTable } from '../../log/index.ts'
import type { Channel } from './channel.ts'
import { protocolError } from './errors.ts'
import type { Link } from './link.ts'
import { fromProperties } from './properties.ts'
import type { PublishRoute } from './publish-route.ts'
import { FrameWriter, writeBody, writeConfirm, writeContentHeader, writeMethod, writeProperties } from './wire/index.ts'

/** Publishes that were one batch, and the ops that it became: none when the route led nowhere. */
export interface PublishGroup {
  channel: Channel
  route: PublishRoute
  batch: Buffer
  count: number
  /** Sequence number of the first; 0 = nobody waits for confirms. */
  first: number
  /** Where its ops stand among those of the commit, and how many they are. */
  firstOp: number
  ops: number
  /** A failure undoes what it was published with: the client must hear of it. */
  inTransaction: boolean
}

/** What became of one batch, record by record. */
interface Fate {
  unrouted: readonly number[] | 'all' | null
  /** 1 for each record that some log did not take; null: there is none. */
  refused: Uint8Array | null
  failure: Failure | null
}

/**
 * Tells a connection what became of its publishes: first what is returned, then acks and nacks in the order of the
 * sequence numbers. All earlier ones of a channel were answered before, so an ack may always speak for several.
 */
export function answerPublishes(
  link: Link,
  groups: readonly PublishGroup[],
  results: readonly OpResult[],
  failed: (channel: Channel, error: unknown) => void,
): void {
  const acked = new Map<Channel, number>()
  for (const group of groups) {
    const fate = fateOf(results.slice(group.firstOp, group.firstOp + group.ops), group.count)
    if (group.channel.muted) continue
    if (group.route.args.mandatory && fate.unrouted !== null) returnRecords(link, group, fate.unrouted)
    if (group.first > 0) confirm(link, group, fate, acked)
    else if (fate.failure !== null && tells(fate, group)) failed(group.channel, protocolError(fate.failure))
  }
  for (const [channel, last] of acked) if (!channel.muted) answerUpTo(link, channel, true, last)
  if (link.out.pending > 0) link.send()
}

/** A queue at its limit drops what nobody wants confirmed; a broker that cannot store says so to all. */
const tells = ({ failure }: Fate, { inTransaction }: PublishGroup): boolean => inTransaction || failure !== logFull

function fateOf(results: readonly OpResult[], count: number): Fate {
  const fate: Fate = { unrouted: results.length === 0 ? 'all' : null, refused: null, failure: null }
  for (const result of results) {
    if ('error' in result) {
      refuse(fate, count, [0, count], result)
    } else if (result.ok.op === 'publish') {
      if (results.length === 1) fate.unrouted = result.ok.unrouted ?? null
      for (const { runs, failure } of result.ok.refused ?? []) refuse(fate, count, runs, failure)
    }
  }
  return fate
}

function refuse(fate: Fate, count: number, runs: readonly number[], failure: Failure): void {
  fate.refused ??= new Uint8Array(count)
  for (let r = 0; r < runs.length; r += 2) fate.refused.fill(1, runs[r], runs[r]! + runs[r + 1]!)
  if (fate.failure === null || fate.failure === logFull) fate.failure = failure
}

function confirm(
  link: Link,
  { channel, first, count }: PublishGroup,
  { refused }: Fate,
  acked: Map<Channel, number>,
): void {
  let from = 0
  while (from < count) {
    const isRefused = refused?.[from] === 1
    const next = refused?.indexOf(isRefused ? 0 : 1, from) ?? -1
    from = next < 0 ? count : next
    const last = first + from - 1
    if (isRefused) {
      const before = acked.get(channel)
      if (before !== undefined) answerUpTo(link, channel, true, before)
      acked.delete(channel)
      answerUpTo(link, channel, false, last)
    } else {
      acked.set(channel, last)
    }
  }
}

function answerUpTo(link: Link, channel: Channel, ack: boolean, last: number): void {
  writeConfirm(link.out, channel.number, ack, last, last > channel.confirmedUpTo + 1)
  channel.confirmedUpTo = last
}

const scratch = new FrameWriter()

/** basic.return, made from the batch as it was to be stored. */
function returnRecords(
  link: Link,
  { channel, route, batch, count }: PublishGroup,
  which: readonly number[] | 'all',
): void {
  const table = new RecordTable(batch)
  const { exchange, routingKey } = route.args
  for (const i of which === 'all' ? Array.from({ length: count }, (_, n) => n) : which) {
    writeMethod(link.out, channel.number, 'basic.return', {
      replyCode: 312,
      replyText: 'NO_ROUTE',
      exchange,
      routingKey,
    })
    const body = table.value(i) ?? Buffer.alloc(0)
    writeProperties(scratch, fromProperties(decodeProperties(table.envelope(i)), table.key(i)))
    writeContentHeader(link.out, channel.number, body.length, scratch.take())
    writeBody(link.out, channel.number, body, link.frameBytesMax, link.send)
  }
}
