import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failed } from '../../base/index.ts'
import type { Pace } from '../../log/index.ts'
import type { ReadOptions } from '../facade/index.ts'
import type { Shard } from '../shard/shard.ts'
import { readParts } from './read-parts.ts'

const extentBytes = 100
const end = 50

/** Partitions 1 to 3 of log 1, with 50 extents of one record each; an extent's place is its offset times `density`. */
class Stand {
  readonly density = [0, 1, 1, 4]
  /** Of the first `pace`, by partition; later ones let everybody go ten further than the last. */
  paces: Pace[] | null = null
  readonly paced: number[][] = []
  readonly shard: Shard

  constructor() {
    const partition = (index: number) => (index === 0 ? undefined : { id: index, index, start: 0, durableEnd: end })
    const store = {
      pace: (reads: readonly { partition: number; from: number }[]) => {
        this.paced.push(reads.map(({ from }) => from))
        const { paces } = this
        if (this.paced.length === 1) return paces
        const until = Math.min(...reads.map(({ partition, from }) => from * this.density[partition]!)) + 10
        return reads.map(() => until)
      },
      read: (id: number, from: number, upTo: number, bytesMax: number, _: unknown, until = Infinity) => {
        const extents = []
        for (let offset = from; offset < upTo && extents.length * extentBytes < bytesMax; offset++) {
          if (extents.length > 0 && offset * this.density[id]! >= until) break
          extents.push({ baseOffset: offset, count: 1, batch: Buffer.alloc(extentBytes) })
        }
        return extents
      },
    }
    const reads = { share: () => 1e9, begin: () => undefined, end: () => undefined }
    const [health, counters] = [{ state: 'ok' }, { recordsOut: 0 }]
    this.shard = {
      store,
      reads,
      health,
      counters,
      logs: new Map([[1, { partition, isUnusedLane: () => false }]]),
    } as unknown as Shard
  }

  /** Offsets found of each. */
  async read(
    partitions: readonly number[],
    options: Partial<ReadOptions>,
    bytesMax = 1000,
  ): Promise<(number[] | string)[]> {
    const parts = partitions.map((partition) => ({ log: 1, partition, offset: 0, bytesMax }))
    const results = await readParts(this.shard, parts, {
      session: 0,
      bytesMin: 1,
      bytesMax: 1e9,
      waitMs: 0,
      ...options,
    })
    return results.map((result) =>
      failed(result) ? result.error : result.ok.batches.map(({ baseOffset }) => baseOffset),
    )
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, offset) => offset)

test('without paces everybody gets as much as he may', async () => {
  const stand = new Stand()
  assert.deepEqual(await stand.read([1, 2, 3], {}), [upTo(10), upTo(10), upTo(10)])
})

test('together they go on until one has as much as it may', async () => {
  const stand = new Stand()
  stand.paces = [5, 5, 'later']
  assert.deepEqual(await stand.read([1, 2, 3], {}, 3000), [upTo(30), upTo(30), upTo(8)])
  assert.deepEqual(stand.paced, [
    [0, 0, 0],
    [5, 5, 0],
    [10, 10, 3],
    [20, 20, 5],
  ])
})

test('who waits for more gets it of those that are ahead', async () => {
  const stand = new Stand()
  stand.paces = [5, 5, 'later']
  assert.deepEqual(await stand.read([1, 2, 3], { bytesMin: 9000 }, 3000), [upTo(30), upTo(30), upTo(30)])
})

test('nobody waits for one that cannot be read', async () => {
  const stand = new Stand()
  stand.paces = [5, 'later', 'later']
  assert.deepEqual(await stand.read([0, 2, 3], {}, 3000), ['notFound', upTo(30), upTo(30)])
})

test('no more than there may be of all', async () => {
  const stand = new Stand()
  stand.paces = [5, 5, 'later']
  assert.deepEqual(await stand.read([1, 2, 3], { bytesMax: 1200 }, 3000), [upTo(7), upTo(5), []])
})
