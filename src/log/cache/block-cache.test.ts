import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryDisk, type Disk } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import { blockBytes, BlockCache, type CachedFile } from './block-cache.ts'
import { FilePool } from './file-pool.ts'
import { Readahead } from './readahead.ts'

const fileBytes = 20 * blockBytes + 1234

async function setUp(bytesMax: number): Promise<{ cache: BlockCache; files: CachedFile[]; contents: Buffer[] }> {
  const disk = new MemoryDisk()
  const files: CachedFile[] = []
  const contents: Buffer[] = []
  for (let id = 1; id <= 3; id++) {
    const content = Buffer.alloc(fileBytes)
    for (let i = 0; i < fileBytes; i += 4)
      content.writeUInt32LE((i * 2654435761 + id) >>> 0, Math.min(i, fileBytes - 4))
    const file = await disk.open(`f${id}`, 'create')
    await file.write(content, 0)
    files.push({ id, path: `f${id}`, bytes: fileBytes })
    contents.push(content)
  }
  return { cache: new BlockCache(new FilePool(disk, 64), bytesMax), files, contents }
}

const read = async (cache: BlockCache, file: CachedFile, at: number, length: number, reader = 1): Promise<Buffer> => {
  const into = Buffer.alloc(length)
  await cache.read(file, at, into, reader)
  return into
}

/** Wants a block, but hardly any of it. */
const touch = (cache: BlockCache, file: CachedFile, block: number, reader = 1): Promise<Buffer> =>
  read(cache, file, block * blockBytes, 1, reader)

test('whatever is read, when and by whom: the bytes are the file’s, and the limit holds', async () => {
  const { cache, files, contents } = await setUp(8 * blockBytes)
  const wanted = fc.record({
    file: fc.nat(2),
    at: fc.nat(fileBytes - 1),
    length: fc.oneof(fc.nat(500), fc.nat(3 * blockBytes), fc.nat(2 * 1024 * 1024)),
    reader: fc.nat(4),
    ahead: fc.nat(4),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(wanted, { maxLength: 30 }), async (reads) => {
      await Promise.all(
        reads.map(async ({ file, at, length, reader, ahead }) => {
          const bytes = Math.min(length, fileBytes - at)
          void cache.prefetch(files[file]!, Math.floor(at / blockBytes) + 1, ahead, reader)
          const found = await read(cache, files[file]!, at, bytes, reader)
          assert.ok(found.equals(contents[file]!.subarray(at, at + bytes)))
          assert.ok(cache.bytes <= 8 * blockBytes, `${cache.bytes} bytes in the cache`)
        }),
      )
    }),
    { numRuns: 60 },
  )
})

test('D5: a reader that passes through all files once does not evict what two readers share', async () => {
  const { cache, files } = await setUp(12 * blockBytes)
  for (const reader of [1, 2]) for (let block = 0; block < 4; block++) await touch(cache, files[0]!, block, reader)
  for (const file of [files[1]!, files[2]!]) for (let block = 0; block < 20; block++) await touch(cache, file, block, 3)
  const { misses } = cache
  for (let block = 0; block < 4; block++) await touch(cache, files[0]!, block)
  assert.equal(cache.misses, misses)
})

test('what was read ahead is there for its reader, whatever others read meanwhile, but not for ever', async () => {
  const { cache, files } = await setUp(12 * blockBytes)
  const ahead = files[0]!
  await cache.prefetch(ahead, 0, 9, 1)
  for (const reader of [2, 3]) for (let block = 0; block < 10; block++) await touch(cache, files[1]!, block, reader)
  let { misses } = cache
  for (const block of [0, 1]) await touch(cache, ahead, block)
  assert.equal(cache.misses, misses)
  await touch(cache, ahead, 2)
  assert.equal(cache.misses, misses + 1, 'a fifth of the cache, and no more, is read ahead')
  await cache.prefetch(ahead, 10, 2, 1)
  for (let block = 0; block < 12; block++) await touch(cache, files[1]!, block, 4)
  await cache.prefetch(files[2]!, 0, 2, 5)
  misses = cache.misses
  await touch(cache, files[2]!, 0, 5)
  assert.equal(cache.misses, misses + 1, 'there is no room while its reader may come')
  for (let n = 0; n < 60; n++) await touch(cache, files[1]!, n % 20, 4)
  await cache.prefetch(files[2]!, 4, 2, 5)
  misses = cache.misses
  for (const block of [4, 5]) await touch(cache, files[2]!, block, 5)
  assert.equal(cache.misses, misses)
})

test('one load for all who want a block at once', async () => {
  const { cache, files } = await setUp(12 * blockBytes)
  await Promise.all(Array.from({ length: 50 }, (_, reader) => touch(cache, files[0]!, 3, reader)))
  assert.equal(cache.misses, 1)
  assert.equal(cache.bytes, blockBytes)
})

test('a block of a file that grows is loaded again when more of it is needed', async () => {
  const disk = new MemoryDisk()
  const file = await disk.open('grows', 'create')
  await file.write(Buffer.alloc(1000, 1), 0)
  const cache = new BlockCache(new FilePool(disk, 64), 8 * blockBytes)
  const all = (bytes: number): Promise<Buffer> => read(cache, { id: 1, path: 'grows', bytes }, 0, bytes)
  assert.equal((await all(1000))[999], 1)
  await file.write(Buffer.alloc(1000, 2), 1000)
  // Whoever comes while less of it is being loaded waits, and loads it once more.
  const [, grown] = await Promise.all([all(1000), all(2000)])
  assert.equal(grown[1999], 2)
  cache.clear()
  const [short, whole] = await Promise.all([all(1000), all(2000)])
  assert.deepEqual([short[999], whole[999], whole[1999]], [1, 1, 2])
  assert.equal(cache.bytes, 2000)
  await assert.rejects(all(2001), Damaged)
})

test('a file that is forgotten is read again, and its memory is used again', async () => {
  const { cache, files } = await setUp(8 * blockBytes)
  for (let block = 0; block < 5; block++) await touch(cache, files[0]!, block)
  cache.forget(files[0]!)
  for (let block = 0; block < 5; block++) await touch(cache, files[0]!, block)
  assert.equal(cache.misses, 10)
  assert.equal(cache.bytes, 5 * blockBytes)
  cache.clear()
  assert.equal(cache.bytes, 0)
})

test('D2: readahead begins with one block and doubles to 1 MiB while the reader is sequential', () => {
  const ahead = new Readahead()
  assert.deepEqual(
    [0, 1, 2, 3, 4, 4, 9, 10].map((block) => ahead.moved(1, block, block)),
    [0, 1, 2, 4, 4, 0, 0, 1],
  )
})

test('readahead follows who reads several blocks at a time, and begins with as many', () => {
  const ahead = new Readahead()
  const reads = [
    [0, 2],
    [3, 5],
    [5, 9],
    [20, 23],
  ] as const
  assert.deepEqual(
    reads.map(([first, last]) => ahead.moved(1, first, last)),
    [0, 3, 5, 0],
  )
})

test('the blocks of a range that lies in several are read at the same time', async () => {
  const { files, contents } = await setUp(8 * blockBytes)
  const disk = new MemoryDisk()
  const file = await disk.open('f1', 'create')
  await file.write(contents[0]!, 0)
  let under = 0
  let most = 0
  const pool = new FilePool(disk, 64)
  const readFile = pool.read.bind(pool)
  pool.read = async (path, into, at) => {
    most = Math.max(most, ++under)
    await Promise.resolve()
    under--
    return readFile(path, into, at)
  }
  const found = await read(new BlockCache(pool, 8 * blockBytes), files[0]!, 1000, 2 * blockBytes - 2000)
  assert.ok(found.equals(contents[0]!.subarray(1000, 2 * blockBytes - 1000)))
  assert.equal(most, 2) // and no more: the others' reads and commits come first (D3)
})

test('no more files are open at once than may be, and every read gets its turn', async () => {
  const disk = new MemoryDisk()
  const paths = Array.from({ length: 20 }, (_, i) => `f${i}`)
  for (const path of paths) await (await disk.open(path, 'create')).write(Buffer.from(path), 0)
  let [now, most] = [0, 0]
  const counting: Disk = Object.create(disk, {
    open: {
      value: async (path: string, mode: 'read') => {
        most = Math.max(most, ++now)
        const file = await disk.open(path, mode).catch((error: unknown) => (now--, Promise.reject(error as Error)))
        const close = file.close.bind(file)
        file.close = () => (now--, close())
        return file
      },
    },
  }) as Disk
  const pool = new FilePool(counting, 2)
  const content = async (path: string): Promise<string> => {
    const into = Buffer.alloc(3)
    return into.toString('latin1', 0, await pool.read(path, into, 0))
  }
  const wanted = [...paths, ...paths]
  assert.deepEqual(await Promise.all(wanted.map(content)), wanted)
  await assert.rejects(pool.read('none', Buffer.alloc(1), 0))
  assert.deepEqual(await Promise.all(wanted.map(content)), wanted)
  assert.equal(most, 2)
  await pool.end()
  assert.equal(now, 0)
  await assert.rejects(pool.read(paths[0]!, Buffer.alloc(3), 0), /closed/)
  assert.equal(now, 0)
})

test('a file that could not be opened takes nothing from one of that name that was opened after it', async () => {
  const disk = new MemoryDisk()
  await (await disk.open('f', 'create')).write(Buffer.from('f'), 0)
  let fail = (_: Error): void => undefined
  let opens = 0
  const first = new Promise<never>((_, reject) => (fail = reject))
  const late: Disk = Object.create(disk, {
    open: { value: (path: string, mode: 'read') => (opens++ === 0 ? first : disk.open(path, mode)) },
  }) as Disk
  const pool = new FilePool(late, 2)
  const read = (): Promise<number> => pool.read('f', Buffer.alloc(1), 0)
  const refused = assert.rejects(read(), /not now/)
  const forgotten = pool.forget('f').catch(() => undefined)
  assert.equal(await read(), 1)
  fail(new Error('not now'))
  await Promise.all([refused, forgotten])
  assert.equal(await read(), 1)
  assert.equal(opens, 2)
  await pool.end()
})
