import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '../../base/index.ts'
import { MemoryDisk } from '../../world/index.ts'
import { blockBytes, BlockCache, FilePool, type CachedFile } from '../cache/index.ts'
import { Loading } from './loading.ts'
import type { LocatedExtent } from './located-extent.ts'

const bytes = 1000

function at(content: Buffer, position: number, index: number): LocatedExtent {
  const crc = crc32c(content.subarray(position, position + bytes))
  const pieces = [{ segmentsOn: 0, position, bytes }]
  return {
    ...{ baseOffset: index, count: 1, maxTimestamp: 0, appendTime: 0, flags: 0, meta: Buffer.alloc(0) },
    ...{ bytes, crc, pieces, shared: false },
  }
}

test('messages that lie far apart keep no blocks in memory, neighbours share theirs', async () => {
  const disk = new MemoryDisk()
  const content = Buffer.alloc(4 * blockBytes, 'payload ')
  await (await disk.open('f', 'create')).write(content, 0)
  const file: CachedFile = { id: 1, path: 'f', bytes: content.length }
  const cache = new BlockCache(new FilePool(disk, 1), 8 * blockBytes)
  const load = async (positions: readonly number[]): Promise<Buffer[]> => {
    const loading = new Loading(cache)
    positions.forEach((position, index) => loading.add(at(content, position, index), 1, () => file))
    await loading.loaded()
    return loading.found.map(({ batch }) => batch)
  }
  const positions = [100, blockBytes, blockBytes + 5000, 3 * blockBytes]
  for (let times = 0; times < 2; times++) {
    const apart = await load(positions)
    apart.forEach((batch, i) => assert.ok(batch.equals(content.subarray(positions[i], positions[i]! + bytes)), `${i}`))
    assert.ok(apart.every(({ buffer }) => buffer.byteLength < blockBytes))
  }
  const [first, second, third] = await load([0, bytes, 2 * bytes + 500])
  assert.ok(first!.buffer.byteLength < blockBytes, 'nobody knows yet whether another follows')
  assert.equal(second!.buffer.byteLength, blockBytes)
  assert.equal(third!.buffer, second!.buffer)
})
