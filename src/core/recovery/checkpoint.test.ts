import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CheckpointPart, Machine } from '../../log/index.ts'
import { records, Stand, type Client } from '../testing/stage.ts'
import { restoreOrder } from './parts.ts'

const retain = (stand: Stand, client: Client, ...values: [string, string][]) =>
  stand.commit(
    client,
    ...values.map(([address, value]) => ({
      op: 'publish' as const,
      to: [{ space: stand.shared, levels: [address] }],
      ...records(value),
      retain: true,
    })),
  )

async function retained(stand: Stand): Promise<Map<string, string>> {
  const batches = await stand.retained([{ any: 'rest' }])
  return new Map(batches.map(({ address, table }) => [address!.levels[0]!, String(table.value(0))]))
}

/** Sees each part of last values that the next lives write into checkpoints, and may change it. */
function intercept(stand: Stand, change: (part: CheckpointPart) => CheckpointPart): void {
  const openStore = stand['openStore'].bind(stand)
  stand['openStore'] = (machine: Machine) => {
    const checkpoint = machine.checkpoint.bind(machine)
    machine.checkpoint = (round, full) => {
      const part = checkpoint(round, full)
      return part?.state[0] === restoreOrder.values ? change(part) : part
    }
    return openStore(machine)
  }
}

test('of many retained messages a checkpoint writes those that have changed, and their neighbours', async () => {
  const stand = new Stand('journal')
  let bytes = 0
  intercept(stand, (part) => {
    bytes += part.state.length
    return part
  })
  await stand.start()
  const client = await stand.client()
  const device = (i: number): string => `device ${i}`.padEnd(120, '.')
  const all = Array.from({ length: 3000 }, (_, i): [string, string] => [device(i), `${i}`])
  await retain(stand, client, ...all)
  await stand.settle(10_000)
  const before = bytes
  assert.ok(before > 300_000, `${before} bytes`)
  bytes = 0
  await retain(stand, client, [device(7), 'changed'])
  await stand.settle(3000)
  assert.ok(bytes > 0 && bytes <= 64 * 1024, `${bytes} of ${before} bytes`)
  await retain(stand, client, [device(8), ''])
  await stand.settle(3000)
  await stand.crash()
  const expected = new Map([...all, [device(7), 'changed']] as const)
  expected.delete(device(8))
  assert.deepEqual(await retained(stand), expected)
})

test('parts that another version has divided in its way are read, and leave nothing behind', async () => {
  const stand = new Stand('journal')
  let older = true
  intercept(stand, (part) => (older ? { ...part, part: part.part + 1000 } : part))
  await stand.start()
  let client = await stand.client()
  await retain(stand, client, ['a', '1'], ['b', '2'], ['c', '3'])
  await stand.settle(5000)
  older = false
  await stand.crash()
  assert.equal((await retained(stand)).size, 3)
  client = await stand.client()
  await retain(stand, client, ['a', 'new'], ['b', ''])
  await stand.settle(5000)
  await stand.crash()
  assert.deepEqual(
    await retained(stand),
    new Map([
      ['a', 'new'],
      ['c', '3'],
    ]),
  )
})
