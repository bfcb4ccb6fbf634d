import type { Delivery, Header, Levels } from '../../core/index.ts'
import type { Channel } from './channel.ts'
import type { Consumer } from './consumer.ts'
import { sizedName } from './consumer.ts'
import { DeliveredProperties } from './delivered-properties.ts'
import type { Link } from './link.ts'
import { encodeName, exchangeName } from './names.ts'
import type { SettledRange } from './unsettled.ts'
import { headerFits, writeBody, writeContentHeader, writeDeliver, writeGetOk, type DeliverRun } from './wire/index.ts'

/** Encoded this far, it is handed to the socket, so that the slab seldom has to move. */
const sendBytes = 32 * 1024
const nothing = Buffer.alloc(0)
const noTag = sizedName('')

/** Where the last message had been published, as frames say it: the next was mostly published there, too. */
let lastAddress: { exchange: string; levels: Levels; sized: readonly [Buffer, Buffer] } | undefined

function sizedAddress(exchange: string, levels: Levels): readonly [Buffer, Buffer] {
  const last = lastAddress
  const same = last?.exchange === exchange && last.levels.length === levels.length
  if (same && levels.every((level, i) => level === last.levels[i])) return last.sized
  const sized = [sizedName(exchange), sizedName(encodeName(levels))] as const
  lastAddress = { exchange, levels, sized }
  return sized
}

/** What frames say of all records of one delivery. `queue`: the name of the log it came from. */
export function runOf(link: Link, delivery: Delivery, channel: number, consumerTag: Buffer, queue: string): DeliverRun {
  const { address } = delivery.batch
  const redelivered = delivery.attempt > 1
  if (address === null) return { channel, consumerTag, redelivered, exchange: noTag, routingKey: sizedName(queue) }
  const space = link.broker.get(address.space)
  const name = space?.spec.kind === 'space' ? exchangeName(space.spec.name) : ''
  const [exchange, routingKey] = sizedAddress(name, address.levels)
  return { channel, consumerTag, redelivered, exchange, routingKey }
}

const deliveryCount = (delivery: Delivery): Header[] =>
  delivery.attempt > 1
    ? [{ name: 'x-delivery-count', value: { type: 'i64', value: BigInt(delivery.attempt - 1) } }]
    : []

/**
 * basic.deliver for each record; encodes, notes what waits to be settled, and sends. `unsayable` gets those whose
 * properties do not fit in a frame: the client would end its connection, again and again.
 */
export function deliver(
  link: Link,
  channel: Channel,
  consumer: Consumer,
  delivery: Delivery,
  unsayable: SettledRange[],
): void {
  const { facts } = consumer
  const run = runOf(link, delivery, channel.number, consumer.tagBytes, facts.queue)
  const properties = new DeliveredProperties(delivery.batch, facts.countsDeliveries ? deliveryCount(delivery) : [])
  const end = delivery.first + delivery.count
  for (let first = delivery.first; first < end; first++) {
    const rest = first === delivery.first ? delivery : { ...delivery, first, count: end - first }
    const firstTag = channel.nextDeliveryTag
    const { count, bytes } = writeRecords(link, run, rest, properties, firstTag)
    channel.take(count)
    consumer.delivered(count, bytes)
    if (count > 0 && !facts.noAck) noteUnsettled(channel, rest, count, firstTag, consumer)
    link.context.metrics.messagesOut += count
    first += count
    if (first === end) return
    consumer.delivered(1, delivery.batch.table.valueBytes(first))
    if (!facts.noAck) unsayable.push(rangeOf(delivery, first, consumer))
  }
}

/** Record `i` of a delivery by itself. */
export function rangeOf(
  { batch, subscription, attempt }: Delivery,
  i: number,
  consumer: Consumer | null,
): SettledRange {
  const offset = batch.baseOffset + batch.table.offsetDelta(i)
  return { subscription, partition: batch.partition, first: offset, last: offset, attempt, consumer }
}

/** A reply to a direct reply-to consumer: live, nothing to settle. */
export function deliverReply(link: Link, channel: Channel, tagBytes: Buffer, delivery: Delivery): void {
  const run = runOf(link, delivery, channel.number, tagBytes, '')
  run.exchange = noTag
  const properties = new DeliveredProperties(delivery.batch, [])
  const { count } = writeRecords(link, run, delivery, properties, channel.nextDeliveryTag)
  channel.take(count)
  link.context.metrics.messagesOut += count
}

/** As many as can be said, up to the first that cannot. */
function writeRecords(
  link: Link,
  run: DeliverRun,
  { batch, first, count }: Delivery,
  properties: DeliveredProperties,
  firstTag: number,
): { count: number; bytes: number } {
  const { out } = link
  let bytes = 0
  for (let n = 0; n < count; n++) {
    const body = batch.table.value(first + n) ?? nothing
    const encoded = properties.of(first + n)
    if (!headerFits(encoded, link.frameBytesMax)) return { count: n, bytes }
    writeDeliver(out, run, firstTag + n)
    writeContentHeader(out, run.channel, body.length, encoded)
    writeBody(out, run.channel, body, link.frameBytesMax, link.send)
    bytes += body.length
    if (out.pending > sendBytes) link.send()
  }
  return { count, bytes }
}

/** May the one record of a delivery be said to this client? */
export function canTake(link: Link, delivery: Delivery, countsDeliveries: boolean): boolean {
  const properties = new DeliveredProperties(delivery.batch, countsDeliveries ? deliveryCount(delivery) : [])
  return headerFits(properties.of(delivery.first), link.frameBytesMax)
}

/** basic.get-ok for the one record of a delivery. */
export function deliverTaken(link: Link, channel: Channel, delivery: Delivery, facts: TakenFacts): void {
  const { batch, first } = delivery
  const run = runOf(link, delivery, channel.number, noTag, facts.queue)
  const properties = new DeliveredProperties(batch, facts.countsDeliveries ? deliveryCount(delivery) : [])
  const tag = channel.take(1)
  const body = batch.table.value(first) ?? nothing
  writeGetOk(link.out, run, tag, facts.messageCount)
  writeContentHeader(link.out, channel.number, body.length, properties.of(first))
  writeBody(link.out, channel.number, body, link.frameBytesMax, link.send)
  link.send()
  if (!facts.noAck) noteUnsettled(channel, delivery, 1, tag, null)
  link.context.metrics.messagesOut++
}

export interface TakenFacts {
  queue: string
  noAck: boolean
  countsDeliveries: boolean
  /** What is left in the queue. */
  messageCount: number
}

/** Of the first `count` records: one run for each stretch of offsets without a hole. */
function noteUnsettled(
  channel: Channel,
  { batch, first, subscription, attempt }: Delivery,
  count: number,
  firstTag: number,
  consumer: Consumer | null,
): void {
  let from = 0
  while (from < count) {
    const delta = batch.table.offsetDelta(first + from)
    let end = from + 1
    while (end < count && batch.table.offsetDelta(first + end) === delta + end - from) end++
    channel.unsettled.add({
      firstTag: firstTag + from,
      count: end - from,
      subscription,
      partition: batch.partition,
      firstOffset: batch.baseOffset + delta,
      attempt,
      consumer,
    })
    from = end
  }
}
