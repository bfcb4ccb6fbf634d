import assert from 'node:assert/strict'
import { crc32c, MalformedError, Writer } from '../../../src/base/index.ts'
import {
  owner,
  readFooter,
  readRecord,
  readTailMark,
  recordBody,
  recordBytes,
  tailBytes,
  writeFooter,
  writeRecord,
} from '../../../src/log/checkpoint/format.ts'
import { refused, type Codec } from '../codec.ts'

const headBytes = 8

/** The bodies of records that stand one after the other, up to one that is not whole. */
function bodiesOf(input: Buffer): Buffer[] {
  const bodies: Buffer[] = []
  for (let at = 0; at + headBytes <= input.length; at += recordBytes(input, at)) {
    const body = recordBody(input, at)
    if (body === null) break
    bodies.push(body)
    if (body[0] === owner.footer) break
  }
  return bodies
}

const chain = Buffer.alloc(16, 4)
const journalId = Buffer.alloc(16, 5)

/** A whole checkpoint file. */
export const checkpoint: Codec = {
  name: 'log-checkpoint',
  seeds: [],
  roundTrip(random) {
    const out = new Writer(256)
    const states = Array.from({ length: random.below(4) }, () => random.bytes(random.below(30)))
    states.forEach((state, i) => writeRecord(out, owner.machine, i, 0, 7, state))
    const at = out.length
    const footer = {
      version: 2,
      number: random.below(100),
      journalId,
      bases: Array.from({ length: random.below(3) }, () => random.below(100)),
      records: states.length,
      bytes: at,
      fullBytes: at,
      beginCommit: random.below(2 ** 40),
      endCommit: random.below(2 ** 40),
      beginFrame: random.below(2 ** 40),
      chain,
      scanSegment: random.below(1000),
    }
    writeFooter(out, footer, at)
    const bytes = out.finish()
    assert.equal(readTailMark(bytes.subarray(-tailBytes))?.position, at)
    const bodies = bodiesOf(bytes)
    assert.deepStrictEqual(
      bodies.slice(0, -1).map((body) => readRecord(body).state),
      states,
    )
    assert.deepStrictEqual(readFooter(bodies.at(-1)!), footer)
    return bytes
  },
  mend(input) {
    for (let at = 0; at + headBytes < input.length;) {
      const bytes = Math.min(input.readUInt32LE(at), input.length - at - headBytes)
      input.writeUInt32LE(bytes, at)
      input.writeUInt32LE(crc32c(input.subarray(at + headBytes, at + headBytes + bytes)), at + 4)
      at += headBytes + bytes
    }
    return input
  },
  take(input) {
    readTailMark(input.subarray(-tailBytes))
    const bodies = bodiesOf(input)
    return !refused(() => {
      for (const body of bodies) {
        if (body[0] === owner.footer) readFooter(body)
        else readRecord(body)
      }
    }, MalformedError)
  },
}
