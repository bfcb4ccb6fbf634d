import assert from 'node:assert/strict'
import { MalformedError, Reader, Writer } from '../../../src/base/index.ts'
import { decodeExtentMeta, encodeExtentMeta, plainMeta, type ExtentMeta } from '../../../src/core/extent-meta.ts'
import {
  decodeProperties,
  encodeProperties,
  readValue,
  writeValue,
  type Header,
  type Properties,
  type Value,
} from '../../../src/core/message.ts'
import { plainNames } from '../../../src/core/names.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'
import { refused, type Codec } from '../codec.ts'
import { pick } from '../mutate.ts'

const text = (random: SimRandom): string =>
  pick(random, ['', 'a', 'text/plain', 'é漢😀', 'x'.repeat(random.below(200))])
const level = (random: SimRandom): string => random.bytes(random.below(40)).toString('latin1')
const levels = (random: SimRandom): string[] => Array.from({ length: 1 + random.below(4) }, () => level(random))

function value(random: SimRandom, depth = 0): Value {
  switch (random.below(depth > 3 ? 6 : 8)) {
    case 0:
      return { type: 'null' }
    case 1:
      return { type: 'u64', value: BigInt.asUintN(64, random.bytes(8).readBigInt64BE()) }
    case 2:
      return { type: 'i16', value: random.below(65_536) - 32_768 }
    case 3:
      return { type: 'utf8', value: text(random) }
    case 4:
      return { type: 'bytes', value: random.bytes(random.below(20)) }
    case 5:
      return { type: 'decimal', scale: random.below(256), value: random.below(99) }
    case 6:
      return { type: 'list', value: Array.from({ length: random.below(4) }, () => value(random, depth + 1)) }
    default:
      return { type: 'map', value: headers(random, depth + 1) }
  }
}

const headers = (random: SimRandom, depth = 0): Header[] =>
  Array.from({ length: random.below(4) }, () => ({ name: text(random), value: value(random, depth) }))

function properties(random: SimRandom): Properties {
  const p: Properties = {}
  if (random.once(2)) p.messageId = text(random)
  if (random.once(2)) p.correlationId = random.bytes(random.below(20))
  if (random.once(2)) p.replyTo = { kind: random.once(2) ? 'log' : 'address', name: levels(random) }
  if (random.once(2)) p.contentType = text(random)
  if (random.once(2)) p.priority = random.below(256)
  if (random.once(2)) p.timestamp = random.below(2 ** 44)
  if (random.once(2)) p.persistent = random.once(2)
  if (random.once(2)) p.qos = random.below(3)
  if (random.once(2)) p.headers = headers(random)
  return p
}

/** What is kept of a message beside key and value. */
const envelope: Codec = {
  name: 'core-envelope',
  seeds: [],
  roundTrip(random) {
    const p = properties(random)
    const bytes = encodeProperties(p)
    assert.deepStrictEqual(decodeProperties(bytes), p)
    return bytes ?? Buffer.alloc(0)
  },
  take: (input) =>
    !refused(() => {
      const p = decodeProperties(input)
      assert.deepStrictEqual(decodeProperties(encodeProperties(p)), p)
    }, MalformedError),
}

/** A typed value of a header. */
const headerValue: Codec = {
  name: 'core-value',
  seeds: [],
  roundTrip(random) {
    const given = value(random)
    const out = new Writer(64)
    writeValue(out, given)
    const bytes = out.finish()
    assert.deepStrictEqual(readValue(new Reader(bytes)), given)
    return bytes
  },
  take: (input) => !refused(() => void readValue(new Reader(input)), MalformedError),
}

function meta(random: SimRandom): ExtentMeta {
  const address = { space: random.below(99), levels: levels(random) }
  return {
    ...plainMeta,
    publisher: random.below(99),
    address: random.once(2) ? address : null,
    others: random.once(4) ? [address, address] : [],
    routes: Array.from({ length: random.below(4) }, () => random.below(2 ** 40)),
    expiresAt: random.once(2) ? random.below(2 ** 44) : null,
    priority: random.below(10),
    history: random.once(3) ? [{ log: levels(random), reason: 'expired', count: 2, time: 9, address: null }] : [],
    messageId: random.once(2) ? text(random) : null,
  }
}

/** The facts beside each stored copy. */
const extentMeta: Codec = {
  name: 'core-extent-meta',
  seeds: [],
  roundTrip(random) {
    const given = meta(random)
    const bytes = encodeExtentMeta(given)
    assert.deepStrictEqual(decodeExtentMeta(bytes), given)
    return bytes
  },
  take: (input) => !refused(() => void decodeExtentMeta(input), MalformedError),
}

/** Names of logs, from any bytes to levels and back: what is said of a name must lead to the same name. */
const names: Codec = {
  name: 'core-name',
  seeds: ['orders.eu', 'a..b', '$address.x', 'a~2eb', '.'].map((each) => Buffer.from(each)),
  roundTrip(random) {
    const given = levels(random)
    const name = plainNames.encode(given)
    assert.deepStrictEqual(plainNames.decode(name), given)
    return Buffer.from(name, 'latin1')
  },
  take(input) {
    const name = input.toString('latin1')
    const decoded = plainNames.decode(name)
    assert.deepStrictEqual(plainNames.decode(plainNames.encode(decoded)), decoded)
    return true
  },
}

export const coreCodecs: readonly Codec[] = [envelope, headerValue, extentMeta, names]
