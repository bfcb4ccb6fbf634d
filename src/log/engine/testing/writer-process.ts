/**
 * A process that appends to a real store and says, line by line, what is durable; to be killed at any moment.
 * Arguments: module of the world, data folder. Prints `opened <next>`, then `<next>` after each commit.
 */
import type { World } from '../../../world/index.ts'
import { openStore, type Machine } from '../../index.ts'

const machine: Machine = {
  restore: () => undefined,
  apply: () => undefined,
  applyExtent: () => undefined,
  recovered: () => undefined,
  checkpoint: () => null,
  needed: () => true,
  life: () => 'days',
}

/** Record `offset` of partition 1: its size and bytes follow from the offset. */
export const recordAt = (offset: number): Buffer => Buffer.alloc(20 + ((offset * 7919) % 3000), offset & 0xff)

export const writerOptions = {
  slotBytes: 1024 * 1024,
  frameBytesMax: 64 * 1024,
  tailBytes: 200_000,
  checkpointBytes: 2_000_000,
  checkpointMs: 300,
}

export async function write(world: World, directory: string, print: (line: string) => void): Promise<void> {
  const store = await openStore({ world, directory, machine, options: writerOptions })
  const known = store.durable > 0
  if (!known) store.createPartition(1)
  print(`opened ${store.bounds(1).next}`)
  const told = new Map<number, number>()
  const stage = (): void => {
    for (let n = 0; n < 8; n++) {
      const baseOffset = store.bounds(1).next
      const payload = store.stagePayload(recordAt(baseOffset))
      const facts = { baseOffset, count: 1, maxTimestamp: 1, appendTime: 0, flags: 0, meta: Buffer.alloc(0) }
      store.stageExtent(1, facts, payload)
    }
    told.set(store.staging, store.bounds(1).next)
    store.hard()
  }
  store.onProgress(() => {
    for (const [commit, next] of told) {
      if (commit > store.durable) continue
      told.delete(commit)
      print(String(next))
    }
    if (told.size === 0) stage()
  })
  stage()
}
