import assert from 'node:assert/strict'
import { Reader, Writer } from '../../../base/index.ts'
import type { CheckpointPart, ExtentFacts, Machine, Store } from '../../store.ts'

interface Summed {
  frame: number
  sum: number
}

/** The object that counts the records of a partition. */
export const recordsOf = (partition: number): number => 1_000_000 + partition

/** Objects of a machine: a sum for each. Adding is not idempotent, so an entry applied twice or not at all shows. */
export class SumMachine implements Machine {
  readonly objects = new Map<number, Summed>()
  recoveries = 0
  /** Partitions below this offset are not needed; for the cleaner. */
  needs: (partition: number, last: number) => boolean = () => true
  private dirty = new Set<number>()
  private round: number[] = []
  private roundNumber = 0

  add(object: number, amount: number): void {
    const found = this.objects.get(object)
    if (found === undefined) this.objects.set(object, { frame: 0, sum: amount })
    else found.sum += amount
    this.dirty.add(object)
  }

  restore(object: number, part: number, frame: number, state: Buffer): void {
    assert.equal(part, 0)
    this.objects.set(object, { frame, sum: new Reader(state).uvarint() })
  }

  apply(_kind: number, object: number, body: Buffer, frame: number): void {
    const found = this.objects.get(object)
    if (found === undefined || frame > found.frame) this.add(object, new Reader(body).uvarint())
  }

  applyExtent(partition: number, extent: ExtentFacts, _batch: Buffer, frame: number): void {
    const found = this.objects.get(recordsOf(partition))
    if (found === undefined || frame > found.frame) this.add(recordsOf(partition), extent.count)
  }

  recovered(): void {
    this.recoveries++
  }

  checkpoint(round: number, full: boolean): CheckpointPart | null {
    if (round !== this.roundNumber) {
      this.roundNumber = round
      this.round = full ? [...this.objects.keys()] : [...this.dirty]
      this.dirty = new Set()
    }
    const object = this.round.pop()
    if (object === undefined) return null
    const out = new Writer(16)
    out.uvarint(this.objects.get(object)!.sum)
    return { object, part: 0, state: out.finish() }
  }

  needed(partition: number, _first: number, last: number): boolean {
    return this.needs(partition, last)
  }

  life(): 'hours' {
    return 'hours'
  }
}

type Step = (model: Naive) => void

/** What a store ought to hold, kept in the most obvious way. */
class Naive {
  readonly partitions = new Map<number, { start: number; next: number; extents: { base: number; text: string }[] }>()
  readonly sums = new Map<number, number>()
}

const none = Buffer.alloc(0)

/** Stages work in a store and remembers, commit by commit, what ought to be there afterwards. */
export class Workload {
  readonly machine: SumMachine
  readonly store: Store
  private readonly steps: { commit: number; step: Step }[]
  readonly found: number
  /** What was told to be durable. */
  acked = 0

  /** `found`: the newest commit of the run before that was there again. */
  constructor(store: Store, machine: SumMachine, before: Workload | null, found: number) {
    this.store = store
    this.machine = machine
    this.steps = before === null ? [] : before.steps.filter(({ commit }) => commit <= found)
    this.found = this.acked = found
    store.onProgress(() => (this.acked = store.durable))
  }

  private did(step: Step): void {
    this.steps.push({ commit: this.store.staging, step })
  }

  create(partition: number): void {
    this.did(({ partitions }) => partitions.set(partition, { start: 0, next: 0, extents: [] }))
    this.store.createPartition(partition)
  }

  drop(partition: number): void {
    this.did(({ partitions, sums }) => {
      partitions.delete(partition)
      sums.delete(recordsOf(partition))
    })
    this.store.dropPartition(partition)
  }

  /** One payload to all of the partitions. */
  append(partitions: number[], text: string, count = 1): void {
    const payload = this.store.stagePayload(Buffer.from(text))
    for (const partition of partitions) {
      const base = this.store.bounds(partition).next
      this.did((model) => {
        const found = model.partitions.get(partition)!
        found.extents.push({ base, text })
        found.next = base + count
        model.sums.set(recordsOf(partition), (model.sums.get(recordsOf(partition)) ?? 0) + count)
      })
      const facts = { baseOffset: base, count, maxTimestamp: base, appendTime: 0, flags: 1, meta: none }
      this.store.stageExtent(partition, facts, payload)
      this.machine.add(recordsOf(partition), count)
    }
  }

  trim(partition: number, start: number): void {
    this.did(({ partitions }) => (partitions.get(partition)!.start = start))
    this.store.stageTrim(partition, start)
  }

  add(object: number, amount: number): void {
    this.did(({ sums }) => sums.set(object, (sums.get(object) ?? 0) + amount))
    const body = new Writer(8)
    body.uvarint(amount)
    this.store.stageEntry(1, object, body.finish())
    this.machine.add(object, amount)
  }

  private model(): Naive {
    const model = new Naive()
    for (const { commit, step } of this.steps) if (commit <= this.store.durable) step(model)
    return model
  }

  /** The newest commit up to `commit` that holds something. */
  lastStep(commit: number): number {
    return Math.max(0, ...this.steps.map((each) => (each.commit <= commit ? each.commit : 0)))
  }

  partitionsNow(): number[] {
    return [...this.model().partitions.keys()]
  }

  /** Compares the store with what the commits up to the durable one ought to have left. */
  async verify(): Promise<void> {
    const model = this.model()
    for (const [partition, { start, next, extents }] of model.partitions) {
      const bounds = this.store.bounds(partition)
      assert.deepEqual([bounds.start, bounds.next], [start, next], `bounds of ${partition}`)
      const kept = extents.filter(({ base }, i) => (extents[i + 1]?.base ?? next) > start && base < next)
      const read = await readAll(this.store, partition)
      assert.deepEqual(read, kept, `extents of ${partition}`)
    }
    assert.deepEqual(
      [...this.machine.objects]
        .filter(([object]) => object < recordsOf(0) || model.partitions.has(object - recordsOf(0)))
        .map(([object, { sum }]) => [object, sum])
        .sort(),
      [...model.sums].sort(),
    )
  }
}

async function readAll(store: Store, partition: number): Promise<{ base: number; text: string }[]> {
  const { start, next } = store.bounds(partition)
  const read: { base: number; text: string }[] = []
  for (let at = start; at < next;) {
    const extents = await store.read(partition, at, next, 5000)
    if (extents.length === 0) break
    for (const { baseOffset, count, batch, maxTimestamp } of extents) {
      assert.equal(maxTimestamp, baseOffset)
      read.push({ base: baseOffset, text: batch.toString() })
      at = baseOffset + count
    }
  }
  return read
}
