import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryDisk } from '../../world/index.ts'
import { timestampMax } from '../batch/check-records.ts'
import { BlockCache, FilePool, type CachedFile } from '../cache/index.ts'
import { Appender } from './appender.ts'
import { decodeEntries, EntryEncoder } from './entries.ts'
import { crc32c, MalformedError, Writer } from '../../base/index.ts'
import type { LocatedExtent } from './located-extent.ts'
import { Damaged } from '../damaged.ts'
import { footerBytes, readFooter, writeFooter } from './footer.ts'
import { decodeEdit, encodeEdit, type SpanInfo } from './span-info.ts'
import { TableReader } from './table-reader.ts'
import { TableWriter } from './table-writer.ts'

const big = fc.integer({ min: 0, max: 2 ** 48 })
/** Records with the usual prototype, so that they compare as equal. */
const plain = { noNullPrototype: true } as const
const piece = fc.record({ segmentsOn: fc.nat(3), position: fc.nat(2 ** 31 - 1), bytes: fc.nat(2 ** 24) }, plain)

/** Extents of one partition in order, with gaps. */
const extentsOfPartition = fc
  .array(
    fc.record(
      {
        gap: fc.nat(5),
        count: fc.integer({ min: 1, max: 2 ** 20 }),
        maxTimestamp: fc.oneof(fc.constant(-1), big, fc.constant(timestampMax)),
        appendTime: big,
        flags: fc.nat(0xffff),
        meta: fc.uint8Array({ maxLength: 40 }),
        pieces: fc.array(piece, { minLength: 1, maxLength: 3 }),
        crc: fc.nat(2 ** 32 - 1),
        shared: fc.boolean(),
      },
      plain,
    ),
    { minLength: 1, maxLength: 60 },
  )
  .map((drafts) => {
    let next = 0
    return drafts.map(({ gap, meta, ...draft }): LocatedExtent => {
      const baseOffset = next + gap
      next = baseOffset + draft.count
      const bytes = draft.pieces.reduce((sum, each) => sum + each.bytes, 0)
      return { ...draft, baseOffset, meta: Buffer.from(meta), bytes }
    })
  })

test('entries of a chunk: decode(encode(x)) = x', () => {
  fc.assert(
    fc.property(extentsOfPartition, (extents) => {
      const encoder = new EntryEncoder(new Writer())
      encoder.begin(extents[0]!.baseOffset)
      for (const extent of extents) encoder.add(extent)
      assert.deepEqual(decodeEntries(encoder.out.finish(), extents[0]!.baseOffset), extents)
    }),
  )
})

test('a table finds every extent of every partition again, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(fc.nat(5000), extentsOfPartition), { selector: (pair) => pair[0], maxLength: 120 }),
      async (partitions) => {
        partitions.sort((a, b) => a[0] - b[0])
        const { file, cache } = await written(partitions)
        const table = await TableReader.open(cache, file)
        assert.equal(table.footer.partitions, partitions.length)
        for (const [partition, extents] of partitions) {
          const record = await table.find(partition)
          assert.ok(record !== null)
          const last = extents[extents.length - 1]!
          assert.equal(record.firstOffset, extents[0]!.baseOffset)
          assert.equal(record.endOffset, last.baseOffset + last.count)
          assert.equal(
            record.payloadBytes,
            extents.reduce((sum, extent) => sum + extent.bytes, 0),
          )
          const found: LocatedExtent[] = []
          for (let n = 0; n < record.chunks; n++) {
            found.push(...(await table.entries(await table.chunkAt(record.firstChunk + n))))
          }
          assert.deepEqual(found, extents)
          for (const extent of extents) {
            const chunk = await table.chunkAt(await table.findChunk(record, extent.baseOffset))
            assert.ok((await table.entries(chunk)).some((each) => each.baseOffset === extent.baseOffset))
          }
          if (!partitions.some(([other]) => other === partition + 1))
            assert.equal(await table.find(partition + 1), null)
        }
      },
    ),
    { numRuns: 40 },
  )
})

async function written(
  partitions: readonly (readonly [number, LocatedExtent[]])[],
): Promise<{ file: CachedFile; cache: BlockCache }> {
  const disk = new MemoryDisk()
  const out = new Appender(await disk.open('t', 'create'), () => Promise.resolve())
  const table = new TableWriter(out)
  for (const [partition, extents] of partitions) {
    for (const extent of extents) if (table.add(partition, extent)) await out.step()
  }
  const facts = { kind: 'sidecar' as const, life: null, journalId: Buffer.alloc(16), id: 0, firstSeq: 1, lastSeq: 1 }
  await table.finish({ ...facts, createdAt: 0, replaced: [1, 2] })
  const { bytes } = (await disk.stat('t'))!
  return { file: { id: 1, path: 't', bytes }, cache: new BlockCache(new FilePool(disk, 64), 4 * 1024 * 1024) }
}

test('a manifest edit: decode(encode(x)) = x', () => {
  const life = fc.constantFrom('consumed' as const, 'hours' as const, 'days' as const, 'long' as const, null)
  const info: fc.Arbitrary<SpanInfo> = fc.record(
    {
      id: big,
      firstSeq: big,
      lastSeq: big,
      slot: fc.integer({ min: -1, max: 10_000 }),
      life,
      dataBytes: big,
      sidecarBytes: big,
      payloadBytes: big,
      extents: big,
      newestAt: big,
      lastFrame: big,
      segmentsOn: fc.nat(3),
    },
    plain,
  )
  fc.assert(
    fc.property(fc.array(big), fc.array(info), (removed, added) => {
      assert.deepEqual(decodeEdit(encodeEdit({ removed, added })), { removed, added })
    }),
  )
})

test('an edit with a count that lies is malformed, and takes no memory for it', () => {
  assert.throws(() => decodeEdit(Buffer.from('e9dfd3b09500', 'hex')), MalformedError)
})

test('a footer with numbers that cannot be is damage, though its checksum is right', () => {
  const life = null
  const numbers = { id: 0, firstSeq: 1, lastSeq: 1, createdAt: 1, extents: 1, payloadBytes: 1, segmentsOn: 0 }
  const places = { chunks: 0, chunksPosition: 0, partitions: 0, directoryPosition: 0, replaced: [] }
  const bytes = writeFooter({ kind: 'sidecar', life, journalId: Buffer.alloc(16), ...numbers, ...places })
  bytes.fill(0xff, 24, 32)
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, footerBytes - 4)), footerBytes - 4)
  assert.throws(() => readFooter(bytes, 'file', 0), Damaged)
})
