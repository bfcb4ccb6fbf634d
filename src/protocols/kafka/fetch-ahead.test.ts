import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlabPool } from '../../base/index.ts'
import type { Broker, Id, PartitionBounds, ReadOptions, ReadPart } from '../../core/index.ts'
import { SimTime } from '../../world/sim/time.ts'
import { FetchAhead } from './fetch-ahead.ts'

const batchBytes = 100
const [session, log] = [1, 7]
const part = (partition: number, offset: number, bytesMax = 1000): ReadPart => ({ log, partition, offset, bytesMax })

/** Partitions of 100 batches with one record each, of which a read gets two. */
class Stand {
  readonly time = new SimTime()
  readonly pool = new SlabPool(10_000, 4)
  readonly reads: { parts: readonly ReadPart[]; options: ReadOptions }[] = []
  start = 0
  kept = 0
  room = 1_000_000
  readonly ahead: FetchAhead

  constructor() {
    const broker = {
      read: (parts: readonly ReadPart[], options: ReadOptions) => {
        this.reads.push({ parts, options })
        const results = parts.map(({ offset }) => {
          if (offset === 70 || offset === 100) return { ok: { batches: [], start: 0, end: 100 } }
          const batches = [offset, offset + 1].map((baseOffset) => ({
            ...{ baseOffset, count: 1 },
            bytes: options.memory!.take(batchBytes).fill(baseOffset),
          }))
          return offset === 50 ? { error: 'unavailable' } : { ok: { batches, start: 0, end: 100 } }
        })
        return Promise.resolve(results)
      },
      boundsOf: (_: Id, partition: number): PartitionBounds | undefined =>
        partition === 1 ? undefined : { partition, start: this.start, end: 101, bytes: 1 },
    } as unknown as Broker
    this.ahead = new FetchAhead({
      ...{ broker, timers: this.time, pool: this.pool },
      room: () => this.room,
      keeps: (bytes) => (this.kept = bytes),
    })
  }

  /** Offsets of the batches that were found for each part. */
  async take(parts: readonly ReadPart[]): Promise<(number[] | null)[] | null> {
    const taken = await this.ahead.take(parts)
    return taken?.found.map((result) => result?.batches.map(({ baseOffset }) => baseOffset) ?? null) ?? null
  }
}

test('what was read ahead is there when it is asked for, in any order, with bounds of now; the rest is not', async () => {
  const stand = new Stand()
  assert.equal(await stand.take([part(0, 1)]), null)
  stand.ahead.begin(session, [part(0, 2), part(2, 4)], 400)
  assert.deepEqual([stand.kept, stand.reads[0]!.options.bytesMax, stand.reads[0]!.options.waitMs], [400, 400, 0])
  assert.deepEqual(await stand.take([part(2, 4), part(2, 5), part(0, 2)]), [[4, 5], null, [2, 3]])
  assert.equal(stand.kept, 0)
  assert.equal(await stand.take([part(0, 2)]), null, 'only once')
  stand.ahead.begin(session, [part(0, 2)], 400)
  assert.equal((await stand.ahead.take([part(0, 2)]))?.found[0]?.end, 101)
})

test('what is kept is told, also when the next is read before the last was taken', async () => {
  const stand = new Stand()
  stand.ahead.begin(session, [part(0, 2)], 400)
  const taken = stand.take([part(0, 2)])
  stand.ahead.begin(session, [part(0, 4)], 300)
  await taken
  assert.equal(stand.kept, 300)
  await stand.take([part(0, 4)])
  assert.equal(stand.kept, 0)
})

test('what was deleted or could not be read, and more than is wanted now, is left out', async () => {
  const stand = new Stand()
  stand.ahead.begin(session, [part(0, 2), part(0, 50), part(1, 4), part(2, 9)], 400)
  stand.start = 3
  assert.deepEqual(await stand.take([part(0, 2), part(0, 50), part(1, 4), part(2, 9, 100)]), [null, null, null, null])
})

test('of a part that has to wait for others it is known that there is nothing yet; at the end there may be more now', async () => {
  const stand = new Stand()
  stand.ahead.begin(session, [part(0, 2), part(2, 70), part(2, 100)], 400)
  assert.deepEqual(await stand.take([part(0, 2), part(2, 70), part(2, 100)]), [[2, 3], [], null])
  stand.ahead.begin(session, [part(0, 2), part(2, 70)], 400)
  assert.deepEqual(await stand.take([part(2, 70)]), [null], 'who asks for that one alone need not wait')
})

test('who does not ask for what was read ahead for him is left alone for a while', async () => {
  const stand = new Stand()
  stand.ahead.begin(session, [part(0, 2), part(2, 4)], 400)
  await stand.take([part(0, 60)])
  for (let answers = 0; answers < 32; answers++) stand.ahead.begin(session, [part(0, 62)], 400)
  assert.equal(stand.reads.length, 1)
  stand.ahead.begin(session, [part(0, 62)], 400)
  assert.equal(stand.reads.length, 2)
})

test('what nobody comes for is given up, and its memory is used again', async () => {
  const stand = new Stand()
  stand.ahead.begin(session, [part(0, 2)], 400)
  await stand.time.advance(1999)
  assert.equal(stand.kept, 400)
  await stand.time.advance(1)
  assert.equal(stand.kept, 0)
  assert.equal(await stand.take([part(0, 2)]), null)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(stand.pool.take()[0], 2)
})

test('what was read ahead may be dropped, also while it is read, and what is read next is not', async () => {
  const stand = new Stand()
  stand.ahead.begin(session, [part(0, 2)], 400)
  stand.ahead.drop()
  assert.deepEqual([stand.kept, await stand.take([part(0, 2)])], [0, null])
  for (let answers = 0; answers <= 32; answers++) stand.ahead.begin(session, [part(0, 4)], 400)
  await stand.time.advance(1999)
  assert.deepEqual(await stand.take([part(0, 4)]), [[4, 5]])
})

test('nothing is read ahead for whom there is little room', () => {
  const stand = new Stand()
  stand.room = 300
  stand.ahead.begin(session, [part(0, 2)], 400)
  assert.equal(stand.reads.length, 0)
})
