import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { test } from 'node:test'
import * as ws from 'ws'
import { FrameReader } from './frame-reader.ts'
import { unmask } from './unmask.ts'

test('masks come off bytes of every alignment, length and phase', () => {
  const key = Buffer.from([1, 2, 4, 8])
  const memory = new ArrayBuffer(256)
  for (let offset = 0; offset < 8; offset++) {
    for (const length of [0, 1, 3, 4, 31, 32, 33, 34, 35, 64, 127, 200]) {
      for (let phase = 0; phase < 4; phase++) {
        const bytes = Buffer.from(memory, offset, length)
        bytes.fill(0xf0)
        unmask(bytes, key, phase)
        for (let i = 0; i < length; i++) assert.equal(bytes[i], 0xf0 ^ key[(phase + i) & 3]!)
      }
    }
  }
})

/** Exported, and not in the types. */
const { Sender } = ws as unknown as { Sender: { frame(payload: Buffer, options: object): Buffer[] } }

/** Another implementation's frames, of random sizes and in random fragments, with pings between. */
function written(): { wire: Buffer; data: Buffer; pings: string[] } {
  const wire: Buffer[] = []
  const data: Buffer[] = []
  const pings: string[] = []
  const frame = (opcode: number, payload: Buffer, fin: boolean): void => {
    const options = { opcode, fin, mask: true, readOnly: true, rsv1: false }
    wire.push(...Sender.frame(payload, options))
  }
  for (let message = 0; message < 20; message++) {
    const fragments = randomInt(1, 4)
    for (let i = 0; i < fragments; i++) {
      const payload = randomBytes([0, 1, 125, 126, 127, 5000, 65535, 65536, 70000][randomInt(9)]!)
      data.push(payload)
      frame(i === 0 ? 2 : 0, payload, i === fragments - 1)
      if (randomInt(3) > 0) continue
      const ping = randomBytes(randomInt(126))
      pings.push(ping.toString('hex'))
      frame(9, ping, true)
    }
  }
  return { wire: Buffer.concat(wire), data: Buffer.concat(data), pings }
}

test("another implementation's frames, cut anywhere", () => {
  for (let round = 0; round < 25; round++) {
    const { wire, data, pings } = written()
    const heard: Buffer[] = []
    const pinged: string[] = []
    const reader = new FrameReader()
    const longest = [1, 7, 100, 5000, 200_000][round % 5]!
    // Byte by byte is slow: there the first ones suffice.
    const end = longest === 1 ? Math.min(wire.length, 20_000) : wire.length
    for (let at = 0; at < end;) {
      const bytes = randomInt(1, longest + 1)
      heard.push(Buffer.from(reader.read(wire.subarray(at, Math.min(end, at + bytes)))))
      if (reader.ping !== undefined) pinged.push(reader.ping.toString('hex'))
      reader.ping = undefined
      at += bytes
    }
    const got = Buffer.concat(heard)
    if (end === wire.length) {
      assert.ok(got.equals(data))
      // The last of each piece.
      let last = -1
      for (const ping of pinged) last = pings.indexOf(ping, last + 1)
      assert.equal(last, pings.length - 1)
      assert.equal(reader.end, undefined)
    } else assert.ok(got.equals(data.subarray(0, got.length)) && got.length > 0)
  }
})
