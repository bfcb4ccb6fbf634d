import { assert } from '../base/index.ts'

import type { Bounds, ExtentFacts, Health, Machine, Payload, Store, StoredExtent, StoreMetrics } from '../log/index.ts'
import type { Clock, Timers } from '../world/index.ts'

/** What a commit holds, in the order it was staged. */
type Item =
  | { is: 'create' | 'drop'; partition: number }
  | { is: 'extent'; partition: number; extent: StoredExtent }
  | { is: 'trim'; partition: number; start: number }
  | { is: 'entry'; kind: number; object: number; body: Buffer }

interface Commit {
  number: number
  time: number
  items: Item[]
}

/** What survives of a memory store: give it to the next `openMemoryStore` to see what a restart sees. */
export interface MemoryJournal {
  commits: Commit[]
}

export interface MemoryStoreOptions {
  clock: Clock
  timers: Timers
  journal?: MemoryJournal
  /** How long a commit takes; 0: until the end of the turn. */
  commitMs?: number
}

const softMs = 50

class MemoryPartition {
  start = 0
  next = 0
  bytes = 0
  extents: StoredExtent[] = []
}

/**
 * The naive model of the log: everything in memory, nothing ever rewritten, and the whole history replayed at the
 * next start. For tests, and for a broker whose messages may die with it.
 */
export function openMemoryStore(machine: Machine, options: MemoryStoreOptions): Promise<MemoryStore> {
  const store = new MemoryStore(options)
  store.replay(machine)
  return Promise.resolve(store)
}

class MemoryPayload implements Payload {
  readonly data: Buffer
  constructor(data: Buffer) {
    this.data = data
  }
  get bytes(): number {
    return this.data.length
  }
}

export class MemoryStore implements Store {
  staging = 1
  written = 0
  durable = 0
  stagedBytes = 0
  health: Health = { state: 'ok' }
  private readonly options: MemoryStoreOptions
  private readonly journal: MemoryJournal
  private readonly partitions = new Map<number, MemoryPartition>()
  private items: Item[] = []
  private sealed: Commit | null = null
  private asked = false
  private softTimer = false
  private stopped = false
  private readonly progress: (() => void)[] = []
  private readonly healthListeners: ((health: Health) => void)[] = []

  constructor(options: MemoryStoreOptions) {
    this.options = options
    this.journal = options.journal ?? { commits: [] }
  }

  replay(machine: Machine): void {
    for (const { number, time, items } of this.journal.commits) {
      for (const item of items) {
        this.effect(item)
        if (item.is === 'entry') machine.apply(item.kind, item.object, item.body, number, time)
        else if (item.is === 'extent') machine.applyExtent(item.partition, item.extent, item.extent.batch, number)
      }
      this.staging = number + 1
      this.written = this.durable = number
    }
    machine.recovered()
  }

  private effect(item: Item): void {
    switch (item.is) {
      case 'create':
        this.partitions.set(item.partition, new MemoryPartition())
        break
      case 'drop':
        this.partitions.delete(item.partition)
        break
      case 'extent': {
        const partition = this.at(item.partition)
        assert(item.extent.baseOffset >= partition.next, 'offsets rise')
        partition.extents.push(item.extent)
        partition.next = item.extent.baseOffset + item.extent.count
        partition.bytes += item.extent.batch.length
        break
      }
      case 'trim': {
        const partition = this.at(item.partition)
        partition.start = Math.max(partition.start, item.start)
        const kept = partition.extents.findIndex((e) => e.baseOffset + e.count > partition.start)
        const gone = partition.extents.splice(0, kept < 0 ? partition.extents.length : kept)
        for (const extent of gone) partition.bytes -= extent.batch.length
        break
      }
      case 'entry':
        break
    }
  }

  private at(partition: number): MemoryPartition {
    const found = this.partitions.get(partition)
    assert(found, `partition ${partition} exists`)
    return found
  }

  private stage(item: Item): void {
    assert(!this.stopped && this.health.state !== 'failed', 'nothing is staged after the end')
    this.items.push(item)
    this.effect(item)
    this.soft()
  }

  private soft(): void {
    if (this.softTimer) return
    this.softTimer = true
    this.options.timers.after(softMs, () => {
      this.softTimer = false
      if (this.items.length > 0) this.hard()
    })
  }

  createPartition(partition: number): void {
    this.stage({ is: 'create', partition })
  }

  dropPartition(partition: number): void {
    this.stage({ is: 'drop', partition })
  }

  bounds(partition: number): Bounds {
    const { start, next, bytes } = this.at(partition)
    return { start, next, bytes }
  }

  bytesBetween(partition: number, from: number, below: number): number {
    let bytes = 0
    for (const { baseOffset, count, batch } of this.at(partition).extents) {
      if (baseOffset + count > from && baseOffset + count <= below) bytes += batch.length
    }
    return bytes
  }

  stagePayload(bytes: Uint8Array): Payload {
    return new MemoryPayload(Buffer.from(bytes))
  }

  stageExtent(partition: number, facts: ExtentFacts, payload: Payload): void {
    assert(payload instanceof MemoryPayload, 'a payload of this store')
    const extent = {
      ...facts,
      appendTime: this.options.clock.now(),
      meta: Buffer.from(facts.meta),
      batch: payload.data,
    }
    this.stage({ is: 'extent', partition, extent })
  }

  stageTrim(partition: number, start: number): void {
    this.stage({ is: 'trim', partition, start })
  }

  stageEntry(kind: number, object: number, body: Uint8Array): void {
    this.stage({ is: 'entry', kind, object, body: Buffer.from(body) })
  }

  hard(): void {
    if (this.asked) return
    this.asked = true
    this.options.timers.endOfTurn(() => this.seal())
  }

  private seal(): void {
    if (this.sealed !== null || !this.asked || this.stopped || this.health.state === 'failed') return
    this.asked = false
    this.sealed = { number: this.staging, time: this.options.clock.now(), items: this.items }
    this.items = []
    this.staging++
    const done = (): void => this.finish()
    if (this.options.commitMs) this.options.timers.after(this.options.commitMs, done)
    else this.options.timers.endOfTurn(done)
  }

  private finish(): void {
    if (this.health.state === 'failed' || this.sealed === null) return
    const commit = this.sealed
    this.sealed = null
    this.journal.commits.push(commit)
    this.written = this.durable = commit.number
    for (const listener of this.progress) listener()
    this.seal()
  }

  async synced(commit: number): Promise<void> {
    while (this.durable < commit) await new Promise<void>((resolve) => this.options.timers.endOfTurn(resolve))
  }

  onProgress(listener: () => void): void {
    this.progress.push(listener)
  }

  onHealth(listener: (health: Health) => void): void {
    this.healthListeners.push(listener)
  }

  /** For tests: what a disk would do to it. After `failed` what was not durable is lost. */
  become(health: Health): void {
    this.health = health
    for (const listener of this.healthListeners) listener(health)
  }

  /** For tests: the process ends here. */
  kill(): void {
    this.health = { state: 'failed', failure: { error: 'unavailable', detail: 'killed' } }
  }

  read(partition: number, from: number, upTo: number, bytesMax: number): StoredExtent[] {
    const { extents } = this.at(partition)
    const found: StoredExtent[] = []
    let bytes = 0
    for (let i = firstAt(extents, from); i < extents.length && extents[i]!.baseOffset < upTo; i++) {
      const extent = extents[i]!
      if (found.length > 0 && bytes + extent.batch.length > bytesMax) break
      found.push(extent)
      bytes += extent.batch.length
    }
    return found
  }

  pace(): null {
    return null
  }

  extents(partition: number, from: number, limit: number): ExtentFacts[] {
    const { extents } = this.at(partition)
    const first = firstAt(extents, from)
    return extents.slice(first, first + limit)
  }

  async close(): Promise<void> {
    if (this.items.length > 0) this.hard()
    while ((this.items.length > 0 || this.sealed !== null) && this.health.state !== 'failed') {
      await new Promise<void>((resolve) => this.options.timers.endOfTurn(resolve))
    }
    this.stopped = true
  }

  metrics(): StoreMetrics {
    let liveBytes = 0
    for (const partition of this.partitions.values()) liveBytes += partition.bytes
    const commitMs = { bounds: [], counts: [], sum: 0 }
    return {
      commits: this.durable,
      commitMs,
      journalBytes: 0,
      settledBytes: 0,
      liveBytes,
      diskBytes: 0,
      cacheBytes: liveBytes,
      snapshots: 0,
      snapshotBytes: 0,
    }
  }
}

/** Index of the first extent that ends after `offset`. */
function firstAt(extents: readonly StoredExtent[], offset: number): number {
  let low = 0
  let high = extents.length
  while (low < high) {
    const middle = (low + high) >> 1
    const extent = extents[middle]!
    if (extent.baseOffset + extent.count > offset) high = middle
    else low = middle + 1
  }
  return low
}
