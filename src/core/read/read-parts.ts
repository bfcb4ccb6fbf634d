import { failed } from '../../base/index.ts'
import type { Pace, ReadMemory } from '../../log/index.ts'
import type { ReadOptions, ReadPart } from '../facade/index.ts'
import type { Shard } from '../shard/shard.ts'
import { bytesOf, nextOf, readPart, type Part } from './read-part.ts'

/** Reads what there is now; at once when the bytes are in memory. */
export function readParts(
  shard: Shard,
  parts: readonly ReadPart[],
  { bytesMin, bytesMax, memory }: Pick<ReadOptions, 'bytesMin' | 'bytesMax' | 'memory'>,
): Part[] | Promise<Part[]> {
  const reading = new Reading(shard, parts, bytesMin, bytesMax, memory)
  const late = reading.begin()
  return late === undefined ? reading.results : late.then(() => reading.results)
}

class Reading {
  readonly results: Part[] = []
  private readonly shard: Shard
  private readonly parts: readonly ReadPart[]
  /** Bytes still missing from what the caller waits for, and how many more there may be. */
  private missing: number
  private left: number
  private readonly memory: ReadMemory | undefined

  constructor(
    shard: Shard,
    parts: readonly ReadPart[],
    bytesMin: number,
    bytesMax: number,
    memory: ReadMemory | undefined,
  ) {
    this.shard = shard
    this.parts = parts
    this.missing = bytesMin
    this.left = bytesMax
    this.memory = memory
  }

  begin(): Promise<void> | undefined {
    const { parts, results } = this
    const paces = this.paces(parts)
    for (let i = 0; i < parts.length; i++) {
      const one = this.read(parts[i]!, paces?.[i])
      if (one instanceof Promise) return this.late(one, paces)
      results.push(one)
    }
    return paces === null ? undefined : this.late(null, paces)
  }

  /** From the first part on whose bytes are not in memory. */
  private async late(first: Promise<Part> | null, paces: readonly Pace[] | null): Promise<void> {
    const { shard, parts, results, left } = this
    shard.reads.begin(left)
    try {
      if (first !== null) results.push(await first)
      for (let i = results.length; i < parts.length; i++) results.push(await this.read(parts[i]!, paces?.[i]))
      if (paces !== null) await this.goOn(paces)
    } finally {
      shard.reads.end(left)
    }
  }

  /**
   * Those that did not go as far as they like go on together, until one of them has as much as it may; and without regard to
   * each other when that is less than the caller waits for, or when one that others would wait for cannot be read.
   */
  private async goOn(paces: readonly Pace[]): Promise<void> {
    const paced = this.parts.map((_, i) => i).filter((i) => paces[i] !== null)
    for (let moving = true; moving && this.left > 0;) {
      const rests = paced.flatMap((index) => restOf(index, this.parts[index]!, this.results[index]!))
      const parts = rests.map(({ part }) => part)
      const alone = paced.some((index) => failed(this.results[index]!))
      const together = !alone && parts.length > 1 && parts.every(({ bytesMax }) => bytesMax > 0)
      if (!together && !alone && this.missing <= 0) return
      const next = together ? this.paces(parts) : null
      moving = false
      for (const [i, { index, part }] of rests.entries()) {
        if (part.bytesMax <= 0) continue
        const more = await this.read(part, next?.[i])
        if (bytesOf(more) > 0) moving = true
        this.results[index] = joined(this.results[index]!, more)
      }
    }
  }

  private paces(parts: readonly ReadPart[]): readonly Pace[] | null {
    const { store, logs } = this.shard
    if (parts.length < 2) return null
    return store.pace(
      parts.map(({ log, partition, offset: from }) => ({
        partition: logs.get(log)?.partition(partition)?.id ?? 0,
        from,
      })),
    )
  }

  private read(part: ReadPart, pace: Pace = null): Part | Promise<Part> {
    const later = pace === 'later'
    const bytesMax = Math.min(part.bytesMax, this.left)
    const until = later || pace === null ? undefined : pace
    const read = readPart(this.shard, part, bytesMax, this.left > 0 && !later, this.memory, until)
    if (read instanceof Promise) return read.then((one) => this.counted(one))
    return this.counted(read)
  }

  private counted(one: Part): Part {
    this.left -= bytesOf(one)
    this.missing -= bytesOf(one)
    return one
  }
}

/** What is left to read of a part, if anything is. */
function restOf(index: number, part: ReadPart, found: Part): { index: number; part: ReadPart }[] {
  if (failed(found)) return []
  const offset = nextOf(part, found.ok)
  return offset < found.ok.end ? [{ index, part: { ...part, offset, bytesMax: part.bytesMax - bytesOf(found) } }] : []
}

function joined(found: Part, more: Part): Part {
  // It is met again, and told, by who asks for what comes next.
  if (failed(found) || failed(more)) return found
  return { ok: { ...more.ok, batches: [...found.ok.batches, ...more.ok.batches] } }
}
