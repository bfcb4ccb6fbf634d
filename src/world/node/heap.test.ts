import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getHeapSpaceStatistics } from 'node:v8'
import { boundHeap, growthPercent } from './heap.ts'

const mebi = 1024 * 1024

const youngMb = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')!.space_size / 1024 / 1024

/** Objects that live for some turns make the young generation grow. */
async function churn(turns: number): Promise<number> {
  let kept: { i: number; list: number[] }[] = []
  let highest = 0
  for (let turn = 0; turn < turns; turn++) {
    for (let i = 0; i < 10_000; i++) kept.push({ i, list: [i] })
    if (kept.length > 50_000) kept = []
    await new Promise((resolve) => setImmediate(resolve))
    highest = Math.max(highest, youngMb())
  }
  return highest
}

test('the young generation stays small under a load that would have made it large', async () => {
  boundHeap(64 * mebi)
  const highest = await churn(500)
  assert.ok(highest >= 4, `${highest} MiB: the load was none`)
  // Without the bound it is 32 to 128 MiB. The runtime rounds up to pages, so a little more than 16 can stand.
  assert.ok(highest < 24, `${highest} MiB`)
})

test('a small heap may grow by more than a quarter before it is collected, a large one may not', () => {
  assert.equal(growthPercent(16 * mebi, 64 * mebi), 300)
  assert.equal(growthPercent(100 * mebi, 64 * mebi), 25)
  assert.equal(growthPercent(500 * mebi, 64 * mebi), 25)
})
