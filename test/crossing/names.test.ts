import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { plainNames } from '../../src/core/index.ts'
import type { Levels } from '../../src/core/index.ts'
import { decodeName, encodeName } from '../../src/protocols/amqp091/names.ts'
import { topicNames } from '../../src/protocols/kafka/mapping.ts'
import { levelsOfTopic, topicOf } from '../../src/protocols/mqtt/names.ts'

interface Codec {
  decode(wire: string): Levels
  /** Undefined: this protocol cannot say it. */
  encode(levels: Levels): string | undefined
  /** Names as a client of it writes them. */
  wire: fc.Arbitrary<string>
}

/** Made of what is special anywhere, so that escapes meet. */
const piece = fc.constantFrom(
  'a',
  'B',
  '9',
  '.',
  '/',
  '%',
  '_',
  '_x',
  '-',
  '*',
  '$',
  '2',
  '2F',
  '2E',
  '25',
  '5F',
  '%2F',
  '%2E',
  '_x2E',
  '_x5F',
  '%',
  ':',
  ' ',
)
const bytes = fc.uint8Array({ maxLength: 8 }).map((b) => Buffer.from(b).toString('latin1'))
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
const unicode = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 })

/** Only AMQP has an empty name. */
const named = (wire: string): string | undefined => (wire === '' ? undefined : wire)

const codecs: Record<string, Codec> = {
  kafka: {
    decode: (wire) => topicNames.decode(wire),
    encode: (levels) => named(topicNames.encode(levels)),
    wire: text.map((name) => name.replace(/[^A-Za-z0-9._-]/g, '')).filter((name) => name !== ''),
  },
  mqtt: {
    decode: levelsOfTopic,
    encode: (levels) => topicOf(levels)?.toString(),
    wire: fc.oneof(text, unicode).filter((topic) => topic !== '' && !/[+#\0]/.test(topic)),
  },
  amqp091: { decode: decodeName, encode: encodeName, wire: fc.oneof(text, bytes) },
  plain: {
    decode: (wire) => plainNames.decode(wire),
    encode: (levels) => named(plainNames.encode(levels)),
    wire: text.filter((t) => t !== '' && !t.includes(' ')),
  },
}

for (const [from, a] of Object.entries(codecs)) {
  for (const [to, b] of Object.entries(codecs)) {
    test(`T5: a name of ${from} goes to ${to} and comes back`, () => {
      fc.assert(
        fc.property(a.wire, (name) => {
          const levels = a.decode(name)
          const there = b.encode(levels)
          if (there === undefined) return
          assert.deepEqual(b.decode(there), levels)
          assert.equal(a.encode(b.decode(there)), name)
        }),
        { numRuns: 2000 },
      )
    })
  }
}

test('T5: any bytes in any levels are named and found again, or not named', () => {
  const anyBytes = fc.array(
    fc.uint8Array({ maxLength: 4 }).map((b) => Buffer.from(b).toString('latin1')),
    { minLength: 2, maxLength: 4 },
  )
  fc.assert(
    fc.property(anyBytes, (levels) => {
      for (const [name, codec] of Object.entries(codecs)) {
        const wire = codec.encode(levels)
        if (wire !== undefined) assert.deepEqual(codec.decode(wire), levels, name)
      }
    }),
    { numRuns: 5000 },
  )
})
