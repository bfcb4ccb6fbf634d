import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import type { CheckpointPart } from '../store.ts'
import { chunkEntriesMax } from './chunk.ts'
import { IndexPages } from './index-pages.ts'

interface Entry {
  span: number
  from: number
  below: number
  bytes: number
}

const goneIn = (gone: ReadonlySet<number>): ConstructorParameters<typeof IndexPages> => [
  (span) => gone.has(span),
  () => gone.size,
]

/** What the index should say: a list of all entries, searched from the front. */
class NaivePages {
  readonly gone = new Set<number>()
  entries: Entry[] = []
  readonly terms = goneIn(this.gone)

  /** The spans that hold records from `offset` on, in order. */
  from(offset: number): number[] {
    return this.entries.filter((entry) => entry.below > offset).map((entry) => entry.span)
  }
}

/** What a reader that starts at `offset` comes by, less spans that end before: it may be sent to those in vain. */
function walk(pages: IndexPages, naive: NaivePages, offset: number): number[] {
  const ended = new Set(naive.entries.filter((entry) => entry.below <= offset).map((entry) => entry.span))
  const spans: number[] = []
  for (let found = pages.find(7, offset); found !== null; found = pages.find(7, found.below)) spans.push(found.span)
  return spans.filter((span) => !ended.has(span))
}

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('adopt' as const), offsets: fc.integer({ min: 1, max: 9 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('merge' as const),
      at: fc.nat(400),
      count: fc.integer({ min: 1, max: 16 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('dead' as const), at: fc.nat(400) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), full: fc.boolean() }) },
)

test('the index equals a naive list through adoptions, merges, dead spans and restarts', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 900 }), (steps) => {
      const naive = new NaivePages()
      let pages = new IndexPages(...naive.terms)
      const stored = new Map<string, Buffer>()
      let next = 0
      let spans = 0
      for (const [round, one] of steps.entries()) {
        if (one.do === 'adopt') {
          const entry = { span: ++spans, from: next, below: next + one.offsets, bytes: one.offsets * 10 }
          next += one.offsets
          naive.entries.push(entry)
          pages.insert(7, entry.from, entry.below, entry.span, entry.bytes)
        } else if (one.do === 'merge' && naive.entries.length > 0) {
          const at = one.at % naive.entries.length
          const merged = naive.entries.splice(at, one.count)
          const entry = {
            span: ++spans,
            from: merged[0]!.from,
            below: merged[merged.length - 1]!.below,
            bytes: merged.reduce((sum, each) => sum + each.bytes, 0),
          }
          const ids = new Set(merged.map((each) => each.span))
          assert.equal(pages.interleaved(7, entry.from, entry.below, ids), false)
          for (const id of ids) naive.gone.add(id)
          naive.entries.splice(at, 0, entry)
          pages.insert(7, entry.from, entry.below, entry.span, entry.bytes)
        } else if (one.do === 'dead' && naive.entries.length > 0) {
          const [dead] = naive.entries.splice(one.at % naive.entries.length, 1)
          naive.gone.add(dead!.span)
        } else if (one.do === 'restart') {
          save(pages, round, one.full, stored)
          pages = new IndexPages(...naive.terms)
          for (const [key, state] of stored) pages.restore(7, Number(key.split('/')[1]), state)
          // Edits after the checkpoint are applied again, and those before it may be.
          for (const { span, from, below, bytes } of naive.entries) pages.insert(7, from, below, span, bytes)
        }
        for (const offset of [0, next - 1, Math.floor(next / 2), Math.floor(next / 3)]) {
          assert.deepEqual(walk(pages, naive, offset), naive.from(offset), `from offset ${offset}`)
        }
      }
      const live = naive.entries.reduce((sum, each) => sum + each.bytes, 0)
      save(pages, -1, false, stored) // A round sweeps what is gone out of the count.
      assert.equal(pages.bytesFrom(7, 0), live)
    }),
    { numRuns: 60 },
  )
})

function save(pages: IndexPages, round: number, full: boolean, into: Map<string, Buffer>): void {
  if (full) into.clear()
  for (let part: CheckpointPart | null; (part = pages.checkpoint(round, full)) !== null;) {
    const key = `${part.object}/${part.part}`
    if (part.state.length === 0) into.delete(key)
    else into.set(key, Buffer.from(part.state))
  }
}

test('a merged span is found for all that it holds, also where the list is cut into pages', () => {
  const gone = new Set<number>()
  const pages = new IndexPages(...goneIn(gone))
  const entries = 3 * chunkEntriesMax
  for (let n = 0; n < entries; n++) pages.insert(7, n * 10, n * 10 + 10, n + 1, 1)
  const [merged, first, end] = [entries + 1, chunkEntriesMax - 8, 2 * chunkEntriesMax + 8]
  for (let n = first; n < end; n++) gone.add(n + 1)
  pages.insert(7, first * 10 + 3, end * 10 - 3, merged, 1)
  for (let offset = first * 10 + 3; offset < end * 10 - 3; offset++) {
    const found = pages.find(7, offset)
    assert.equal(found?.span, merged, `at ${offset}`)
    assert.ok(found.below >= end * 10 - 3, `at ${offset}: it holds up to ${end * 10 - 3}, not to ${found.below}`)
  }
  assert.equal(pages.find(7, first * 10 - 1)?.span, first)
  assert.equal(pages.find(7, end * 10)?.span, end + 1)
})

test('a checkpoint has every page, though a merge empties some and adoptions cut others while it is written', () => {
  for (let steps = 0; steps < 6; steps++) {
    const gone = new Set<number>()
    const pages = new IndexPages(...goneIn(gone))
    const entries = 4 * chunkEntriesMax
    for (let n = 0; n < entries; n++) pages.insert(7, n * 10, n * 10 + 10, n + 1, 1)
    const stored: CheckpointPart[] = []
    const write = (parts: number): void => {
      for (let part: CheckpointPart | null; parts > 0 && (part = pages.checkpoint(1, true)) !== null; parts--)
        stored.push({ ...part, state: Buffer.from(part.state) })
    }
    write(steps)
    const [first, end] = [chunkEntriesMax - 8, 2 * chunkEntriesMax + 8]
    for (let n = first; n < end; n++) gone.add(n + 1)
    const edits = [[first * 10, end * 10, entries + 1] as const]
    for (let n = entries; n < entries + chunkEntriesMax; n++) edits.push([n * 10, n * 10 + 10, n + 2])
    // The front of a span has died: one entry more, and a full page is cut in two.
    const [shrunk, rest] = [entries - 9, 2 * entries]
    gone.add(shrunk + 1)
    edits.push([shrunk * 10 + 5, shrunk * 10 + 10, rest])
    for (const [from, below, span] of edits) pages.insert(7, from, below, span, 1)
    write(Infinity)
    const restored = new IndexPages(...goneIn(gone))
    for (const { part, state } of stored) restored.restore(7, part, state as Buffer)
    for (const [from, below, span] of edits) restored.insert(7, from, below, span, 1)
    for (let offset = 0; offset < (entries + chunkEntriesMax) * 10; offset += 5) {
      if (offset === shrunk * 10) continue
      const n = Math.floor(offset / 10)
      const old = n === shrunk ? rest : n + 1
      const span = n >= first && n < end ? entries + 1 : n < entries ? old : n + 2
      assert.equal(pages.find(7, offset)?.span, span, `at ${offset}`)
      assert.equal(restored.find(7, offset)?.span, span, `at ${offset}, after a restart`)
    }
  }
})

test('a round sweeps a list when its turn comes, and only when spans have gone', () => {
  const gone = new Set<number>()
  let asked = 0
  const pages = new IndexPages(
    (span) => {
      asked++
      return gone.has(span)
    },
    () => gone.size,
  )
  for (let partition = 0; partition < 100; partition++) {
    for (let span = 1; span <= 10; span++) pages.insert(partition, span * 10, span * 10 + 10, span, 1)
  }
  const roundAsks = (round: number): number => {
    asked = 0
    while (pages.checkpoint(round, false) !== null);
    return asked
  }
  asked = 0
  assert.notEqual(pages.checkpoint(1, true), null)
  assert.ok(asked <= 10, `${asked} entries were looked at in one step`)
  while (pages.checkpoint(1, true) !== null);
  assert.equal(roundAsks(2), 0)
  gone.add(3)
  assert.equal(roundAsks(3), 1000)
  assert.equal(pages.bytesFrom(50, 0), 9)
  assert.equal(roundAsks(4), 0)
})

test('bytes from an offset inside an entry are its share', () => {
  const pages = new IndexPages(...goneIn(new Set()))
  pages.insert(1, 100, 200, 1, 5000)
  pages.insert(1, 200, 300, 2, 1000)
  assert.equal(pages.bytesFrom(1, 0), 6000)
  assert.equal(pages.bytesFrom(1, 150), 3500)
  assert.equal(pages.bytesFrom(1, 200), 1000)
  assert.equal(pages.bytesFrom(1, 300), 0)
  assert.equal(pages.nextOffset(1), 300)
  pages.drop(1)
  assert.equal(pages.bytesFrom(1, 0), 0)
})

test('spans that stand between the records of a partition are seen', () => {
  const pages = new IndexPages(...goneIn(new Set([9])))
  pages.insert(1, 0, 10, 1, 1)
  pages.insert(1, 10, 20, 2, 1)
  pages.insert(1, 20, 30, 3, 1)
  assert.equal(pages.interleaved(1, 0, 30, new Set([1, 3])), true)
  assert.equal(pages.interleaved(1, 0, 30, new Set([1, 2, 3])), false)
  assert.equal(pages.interleaved(1, 0, 20, new Set([1, 2])), false)
})

test('10,000 partitions in 100 spans each take less than 40 MB', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage()
  const pages = new IndexPages(...goneIn(new Set()))
  for (let span = 1; span <= 100; span++) {
    for (let partition = 0; partition < 10_000; partition++)
      pages.insert(partition, span * 10, span * 10 + 10, span, 99)
  }
  // What a collection frees of buffers is given back in the background, and counted only then.
  for (let i = 0; i < 3; i++) {
    collect()
    await pause(20)
  }
  const after = process.memoryUsage()
  const used = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers
  assert.ok(used < 40e6, `${used} bytes`)
  assert.equal(pages.find(9_999, 505)?.span, 50)
})
