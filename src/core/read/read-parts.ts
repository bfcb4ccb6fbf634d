import { failed } from '../../base/index.ts'
import type { Pace, ReadMemory } from '../../log/index.ts'
import type { ReadOptions, ReadPart } from '../facade/index.ts'
import type { Shard } from '../shard/shard.ts'
import { bytesOf, readPart, type Part } from './read-part.ts'

/** Reads what there is now; at once when the bytes are in memory. */
export function readParts(
  shard: Shard,
  parts: readonly ReadPart[],
  { bytesMax, memory }: ReadOptions,
): Part[] | Promise<Part[]> {
  const reading = new Reading(shard, parts, Math.min(bytesMax, shard.reads.share()), memory)
  const late = reading.begin()
  return late === undefined ? reading.results : late.then(() => reading.results)
}

class Reading {
  readonly results: Part[] = []
  private readonly shard: Shard
  private readonly parts: readonly ReadPart[]
  private left: number
  private readonly memory: ReadMemory | undefined

  constructor(shard: Shard, parts: readonly ReadPart[], bytesMax: number, memory: ReadMemory | undefined) {
    this.shard = shard
    this.parts = parts
    this.left = bytesMax
    this.memory = memory
  }

  begin(): Promise<void> | undefined {
    const { parts, results } = this
    const paces = this.paces(parts)
    for (let i = 0; i < parts.length; i++) {
      const one = this.read(parts[i]!, paces?.[i])
      if (one instanceof Promise) return this.late(i, one, paces)
      results.push(one)
    }
    return undefined
  }

  /** From the first part on whose bytes are not in memory. */
  private async late(from: number, first: Promise<Part>, paces: readonly Pace[] | null): Promise<void> {
    const { shard, parts, results, left } = this
    shard.reads.begin(left)
    try {
      results.push(await first)
      for (let i = from + 1; i < parts.length; i++) results.push(await this.read(parts[i]!, paces?.[i]))
      if (paces !== null) await this.goOn(paces)
    } finally {
      shard.reads.end(left)
    }
  }

  /** Those that did not go as far as they like go on together, until one of them has as much as it may. */
  private async goOn(before: readonly Pace[]): Promise<void> {
    let paced = this.parts.map((_, i) => i).filter((i) => before[i] !== null)
    while (this.left > 0) {
      const rests = paced.map((i) => restOf(this.parts[i]!, this.results[i]!))
      paced = paced.filter((_, i) => rests[i] !== null)
      const parts = rests.filter((rest) => rest !== null)
      if (parts.length < 2 || parts.some(({ bytesMax }) => bytesMax <= 0)) return
      const paces = this.paces(parts)
      const before = this.left
      for (const [i, part] of parts.entries()) {
        this.results[paced[i]!] = joined(this.results[paced[i]!]!, await this.read(part, paces?.[i]))
      }
      if (this.left === before) return
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
    return one
  }
}

/** What is left to read of a part; null: nothing. */
function restOf(part: ReadPart, found: Part): ReadPart | null {
  if (failed(found)) return null
  const last = found.ok.batches.at(-1)
  const offset = last === undefined ? part.offset : last.baseOffset + last.count
  return offset < found.ok.end ? { ...part, offset, bytesMax: part.bytesMax - bytesOf(found) } : null
}

function joined(found: Part, more: Part): Part {
  // It is met again, and told, by who asks for what comes next.
  if (failed(found) || failed(more)) return found
  return { ok: { ...more.ok, batches: [...found.ok.batches, ...more.ok.batches] } }
}
