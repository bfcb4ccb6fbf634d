import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c, SlabPool } from '../../base/index.ts'
import { MemoryDisk } from '../../world/index.ts'
import { blockBytes, BlockCache, FilePool, type CachedFile } from '../cache/index.ts'
import type { ReadMemory, StoredExtent } from '../store.ts'
import { Loading } from './loading.ts'
import type { LocatedExtent } from './located-extent.ts'

const bytes = 1000
const content = Buffer.alloc(4 * blockBytes, 'payload ')
const positions = [100, blockBytes, blockBytes + 5000, 3 * blockBytes - 500]

function at(position: number, index: number): LocatedExtent {
  const crc = crc32c(content.subarray(position, position + bytes))
  const pieces = [{ segmentsOn: 0, position, bytes }]
  return {
    ...{ baseOffset: index, count: 1, maxTimestamp: 0, appendTime: 0, flags: 0, meta: Buffer.alloc(0) },
    ...{ bytes, crc, pieces, shared: false },
  }
}

async function setUp(): Promise<(extents: readonly LocatedExtent[], memory?: ReadMemory) => Promise<StoredExtent[]>> {
  const disk = new MemoryDisk()
  await (await disk.open('f', 'create')).write(content, 0)
  const file: CachedFile = { id: 1, path: 'f', bytes: content.length }
  const cache = new BlockCache(new FilePool(disk, 1), 8 * blockBytes)
  return async (extents, memory) => {
    const loading = new Loading(cache, memory)
    for (const extent of extents) loading.add(extent, 1, () => file)
    await loading.loaded().catch((error: unknown) => {
      if (loading.found.length === 0) throw error
    })
    return loading.found
  }
}

test('what is read together stands side by side, and keeps nothing else in memory', async () => {
  const load = await setUp()
  for (let times = 0; times < 2; times++) {
    const found = await load(positions.map(at))
    for (const [i, { batch }] of found.entries()) {
      assert.ok(batch.equals(content.subarray(positions[i], positions[i]! + bytes)), `${i}`)
      assert.equal(batch.buffer, found[0]!.batch.buffer)
      assert.equal(batch.byteOffset, i * bytes)
    }
    assert.equal(found[0]!.batch.buffer.byteLength, positions.length * bytes)
  }
})

test('a reader that brings its own memory finds it there', async () => {
  const load = await setUp()
  const lease = new SlabPool(2 * bytes, 1).lease()
  const found = await load(positions.map(at), lease)
  assert.ok(found.every(({ batch }) => lease.has(batch)))
  assert.equal(new Set(found.map(({ batch }) => batch.buffer)).size, 2)
  found.forEach(({ batch }, i) => assert.ok(batch.equals(content.subarray(positions[i], positions[i]! + bytes))))
})

test('what is damaged ends what was found', async () => {
  const load = await setUp()
  const extents = positions.map(at)
  extents[2]!.crc++
  assert.equal((await load(extents)).length, 2)
  await assert.rejects(load(extents.slice(2)), /fail their checksum/)
})
