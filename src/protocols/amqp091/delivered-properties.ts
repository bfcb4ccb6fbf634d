import { propertiesOf, type DeliveredBatch, type Header, type HistoryEntry, type Value } from '../../core/index.ts'
import { encodeName, exchangeName } from './names.ts'
import { fromProperties, textOrBytes } from './properties.ts'
import { FrameWriter, writeProperties } from './wire/index.ts'

const scratch = new FrameWriter()
/** Larger envelopes are not told apart without taking them out. */
const keptBytesMax = 63
/** The last envelope of a message that came straight here, and what became of it: that depends on nothing else. */
let plain: { envelope: Buffer | null; encoded: Buffer } = {
  envelope: Buffer.from('none yet'),
  encoded: Buffer.alloc(0),
}

/**
 * Encodes the properties of delivered records, and keeps the last result: records that follow one another mostly carry
 * equal envelopes, and then nothing is decoded at all. One of it serves a run of deliveries that agree in everything
 * that is not in the envelope.
 */
export class DeliveredProperties {
  private envelope: Buffer | null = null
  private encoded: Buffer | null = null
  private readonly batch: DeliveredBatch
  /** Added by the broker: how the message came here. */
  private readonly added: readonly Header[]

  constructor(batch: DeliveredBatch, added: readonly Header[]) {
    this.batch = batch
    this.added = added
  }

  /** Of record `i`, flags included. Valid until the next call. */
  of(i: number): Buffer {
    const { table, foreign, history } = this.batch
    const key = table.key(i)
    if (!foreign || key !== null) return this.encode(i, key)
    if (this.encoded !== null && table.hasEnvelope(i, this.envelope)) return this.encoded
    const alone = this.added.length === 0 && history.length === 0
    if (alone && table.hasEnvelope(i, plain.envelope)) {
      this.envelope = plain.envelope
      return (this.encoded = plain.encoded)
    }
    this.envelope = table.envelope(i)
    this.encoded = this.encode(i, null)
    // Of a queue that is read as it is filled each run is short: the next one, mostly of equal envelopes, begins anew.
    if (alone && (this.envelope?.length ?? 0) <= keptBytesMax)
      plain = { envelope: copyOf(this.envelope), encoded: Buffer.from(this.encoded) }
    return this.encoded
  }

  private encode(i: number, key: Buffer | null): Buffer {
    const { table, foreign, history } = this.batch
    const shared = propertiesOf(table, i, foreign)
    const properties = fromProperties(shared, key)
    if (!foreign) readAsText(properties.headers ?? [])
    // Other protocols do not say it: what they publish is stored, and consumers read headers without looking.
    if (!foreign || shared.qos !== undefined) {
      properties.deliveryMode ??= 2
      properties.headers ??= []
    }
    let added = this.added
    if (history.length > 0) {
      // A dead-lettered message does not expire again; what it had asked for stands in its first death.
      added = [...added, ...deathHeaders(history, properties.expiration)]
      delete properties.expiration
    }
    if (added.length > 0) properties.headers = [...withoutReplaced(properties.headers ?? [], added), ...added]
    writeProperties(scratch, properties)
    return scratch.take()
  }
}

const copyOf = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes))

/** Headers of a record from Kafka are bytes, and mostly text. */
function readAsText(headers: Header[]): void {
  for (const header of headers) if (header.value.type === 'bytes') header.value = textOrBytes(header.value.value)
}

const withoutReplaced = (headers: readonly Header[], added: readonly Header[]): Header[] =>
  headers.filter((header) => !added.some((other) => other.name === header.name))

const text = (value: string): Value => ({ type: 'utf8', value })
const nameText = (name: string): Value => text(Buffer.from(name, 'latin1').toString('utf8'))

/** Reasons as RabbitMQ names them. */
const reasons: Readonly<Record<string, string>> = {
  limit: 'maxlen',
  exhausted: 'delivery_limit',
}

/** x-death, newest first, and the headers that say it in short. */
function deathHeaders(history: readonly HistoryEntry[], expiration: string | undefined): Header[] {
  const newest = history[0]!
  const oldest = history.at(-1)!
  const deaths = history.map(death)
  if (expiration !== undefined) deaths.at(-1)!.push({ name: 'original-expiration', value: text(expiration) })
  const list: Value = { type: 'list', value: deaths.map((value) => ({ type: 'map', value })) }
  return [{ name: 'x-death', value: list }, ...inShort('first', oldest), ...inShort('last', newest)]
}

function death(entry: HistoryEntry): Header[] {
  const key = entry.address === null ? encodeName(entry.log) : encodeName(entry.address.levels)
  return [
    { name: 'count', value: { type: 'i64', value: BigInt(entry.count) } },
    { name: 'reason', value: text(reasonOf(entry)) },
    { name: 'queue', value: nameText(encodeName(entry.log)) },
    { name: 'time', value: { type: 'seconds', value: BigInt(Math.floor(entry.time / 1000)) } },
    { name: 'exchange', value: nameText(exchangeOf(entry)) },
    { name: 'routing-keys', value: { type: 'list', value: [nameText(key)] } },
  ]
}

function inShort(which: 'first' | 'last', entry: HistoryEntry): Header[] {
  return [
    { name: `x-${which}-death-reason`, value: text(reasonOf(entry)) },
    { name: `x-${which}-death-queue`, value: nameText(encodeName(entry.log)) },
    { name: `x-${which}-death-exchange`, value: nameText(exchangeOf(entry)) },
  ]
}

const reasonOf = (entry: HistoryEntry): string => reasons[entry.reason] ?? entry.reason
const exchangeOf = (entry: HistoryEntry): string => (entry.address === null ? '' : exchangeName(entry.address.space))
