/**
 * How fast the log commits: WRITERS writers with DEPTH requests of BYTES each, a request answered when it is durable.
 * No sockets, no core. `node bench/micro/store.ts [seconds] [folder]`
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore, type Machine, type Store, type StoreOptions } from '../../src/log/index.ts'
import { NodeDisk, systemClock, systemRandom, systemTimers } from '../../src/world/node/index.ts'

const seconds = Number(process.argv[2] ?? 2)
const parent = process.argv[3] ?? tmpdir()
const world = {
  clock: systemClock,
  timers: systemTimers,
  random: systemRandom,
  disk: (folder: string) => new NodeDisk(folder),
}
const machine: Machine = {
  restore: () => undefined,
  apply: () => undefined,
  applyExtent: () => undefined,
  recovered: () => undefined,
  checkpoint: () => null,
  needed: () => true,
  life: () => 'days',
}
const none = Buffer.alloc(0)

interface Result {
  requests: number
  commits: number
  latencies: Float64Array
  journalBytes: number
}

/** Each writer has `depth` requests on the way, and sends as many new ones when they are durable. */
async function load(store: Store, writers: number, depth: number, bytes: number): Promise<Result> {
  const payload = Buffer.alloc(bytes, 1)
  const latencies = new Float64Array(4_000_000)
  const before = store.metrics()
  let requests = 0
  let waiting: { commit: number; writer: number; at: number }[] = []
  const next = new Float64Array(writers)
  const stage = (writer: number): void => {
    const count = depth
    for (let i = 0; i < count; i++) {
      const facts = { baseOffset: next[writer]!++, count: 1, maxTimestamp: 1, appendTime: 0, flags: 0, meta: none }
      store.stageExtent(writer + 1, facts, store.stagePayload(payload))
    }
    store.hard()
    waiting.push({ commit: store.staging, writer, at: performance.now() })
  }
  const end = performance.now() + seconds * 1000
  await new Promise<void>((resolve) => {
    store.onProgress(() => {
      const done = waiting.filter((each) => each.commit <= store.durable)
      waiting = waiting.filter((each) => each.commit > store.durable)
      const now = performance.now()
      for (const { at, writer } of done) {
        for (let i = 0; i < depth; i++) latencies[requests++ % latencies.length] = now - at
        if (now < end) stage(writer)
      }
      if (waiting.length === 0) resolve()
    })
    for (let writer = 0; writer < writers; writer++) stage(writer)
  })
  const after = store.metrics()
  return {
    requests,
    commits: after.commits - before.commits,
    latencies: latencies.subarray(0, Math.min(requests, latencies.length)).sort(),
    journalBytes: after.journalBytes - before.journalBytes,
  }
}

async function row(writers: number, depth: number, bytes: number, options: Partial<StoreOptions> = {}): Promise<void> {
  const directory = mkdtempSync(join(parent, 'bench-'))
  const store = await openStore({ world, directory, machine, options })
  for (let writer = 0; writer < writers; writer++) store.createPartition(writer + 1)
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const started = performance.now()
  const { requests, commits, latencies, journalBytes } = await load(store, writers, depth, bytes)
  const took = (performance.now() - started) / 1000
  const at = (share: number): string => latencies[Math.floor((latencies.length - 1) * share)]!.toFixed(2)
  console.log(
    `${writers} x ${depth} x ${bytes} B: ${Math.round(requests / took)} requests/s, ${Math.round(commits / took)} commits/s, ` +
      `${((requests * bytes) / took / 1e6).toFixed(0)} MB/s (journal ${(journalBytes / took / 1e6).toFixed(0)}), ` +
      `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, rss ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`,
  )
  await store.close()
  rmSync(directory, { recursive: true })
}

await row(1, 1, 128)
await row(64, 1, 128)
await row(64, 16, 128)
await row(64, 1, 8192)
await row(64, 16, 8192)
