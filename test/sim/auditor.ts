import assert from 'node:assert/strict'

/** What was promised to a simulated client about one partition, and what may be there without a promise. */
class PartitionPromises {
  /** By offset: the id of an acknowledged record. */
  readonly acked = new Map<number, string>()
  /** By offset: what a reader has seen there. It may not change any more. */
  readonly seen = new Map<number, string>()
}

/**
 * Holds the model of what was promised, and compares it with what the broker shows: every acknowledged record where it
 * was said to be, in order, nothing that nobody sent, nothing twice that was sent once, nothing delivered after its
 * settling was acknowledged, no attempt number twice, positions that never go back.
 */
export class Auditor {
  private readonly partitions = new Map<string, PartitionPromises>()
  /** Ids that were sent at all, and how often: a retry of an idempotent producer counts once. */
  private readonly sent = new Map<string, number>()
  private readonly attempts = new Set<string>()
  private readonly doneAcked = new Set<string>()
  private readonly doneTried = new Set<string>()
  private readonly positions = new Map<string, { acked: number; tried: number }>()
  /** Starts of the broker: a lease belongs to a session, and none outlives its broker here. */
  boot = 0
  readonly counts = { acked: 0, delivered: 0, settled: 0, read: 0 }

  private of(log: string, partition: number): PartitionPromises {
    const key = `${log}/${partition}`
    let promises = this.partitions.get(key)
    if (promises === undefined) this.partitions.set(key, (promises = new PartitionPromises()))
    return promises
  }

  sends(ids: readonly string[]): void {
    for (const id of ids) this.sent.set(id, (this.sent.get(id) ?? 0) + 1)
  }

  appended(log: string, partition: number, baseOffset: number, ids: readonly string[]): void {
    const { acked } = this.of(log, partition)
    ids.forEach((id, i) => {
      const before = acked.get(baseOffset + i)
      assert.ok(
        before === undefined || before === id,
        `${log}/${partition}@${baseOffset + i} acked as ${before} and ${id}`,
      )
      acked.set(baseOffset + i, id)
    })
    this.counts.acked += ids.length
  }

  /** A reader saw this record: it was sent, and what was seen or acknowledged at an offset stays. */
  reads(log: string, partition: number, offset: number, id: string): void {
    const { acked, seen } = this.of(log, partition)
    assert.ok(this.sent.has(id), `${log}/${partition}@${offset} holds ${id}, which nobody sent`)
    for (const promised of [acked.get(offset), seen.get(offset)]) {
      assert.ok(promised === undefined || promised === id, `${log}/${partition}@${offset} holds ${id}, not ${promised}`)
    }
    seen.set(offset, id)
    this.counts.read++
  }

  /** The whole partition was read from `start` to `end`: nothing acknowledged is missing, nothing is there twice. */
  complete(log: string, partition: number, start: number, end: number, ids: readonly string[]): void {
    const { acked } = this.of(log, partition)
    for (const [offset, id] of acked) {
      if (offset >= start)
        assert.ok(offset < end, `${log}/${partition}@${offset}: acked ${id} is lost, the end is ${end}`)
      else
        assert.ok(
          this.doneTried.has(`${log}/${partition}@${offset}`),
          `${log}/${partition}@${offset}: ${id} was removed unsettled`,
        )
    }
    const copies = new Map<string, number>()
    for (const id of ids) copies.set(id, (copies.get(id) ?? 0) + 1)
    for (const [id, count] of copies)
      assert.ok(count <= this.sent.get(id)!, `${log}/${partition}: ${id} is there ${count} times`)
  }

  /** The ids that were acknowledged for a log, in no order. */
  ackedIds(log: string): string[] {
    return [...this.partitions].filter(([key]) => key.startsWith(`${log}/`)).flatMap(([, p]) => [...p.acked.values()])
  }

  /** The ids that any reader or consumer has seen in a log. */
  seenIds(log: string): Set<string> {
    return new Set(
      [...this.partitions].filter(([key]) => key.startsWith(`${log}/`)).flatMap(([, p]) => [...p.seen.values()]),
    )
  }

  delivers(log: string, partition: number, offset: number, attempt: number, id: string): void {
    const place = `${log}/${partition}@${offset}`
    this.reads(log, partition, offset, id)
    assert.ok(!this.doneAcked.has(place), `${place} was delivered after its settling was acknowledged`)
    const lease = `${this.boot}:${place}#${attempt}`
    assert.ok(!this.attempts.has(lease), `${place}: attempt ${attempt} came twice`)
    this.attempts.add(lease)
    this.counts.delivered++
  }

  triesToSettle(log: string, partition: number, offset: number): void {
    this.doneTried.add(`${log}/${partition}@${offset}`)
  }

  settled(log: string, partition: number, offset: number): void {
    this.doneAcked.add(`${log}/${partition}@${offset}`)
    this.counts.settled++
  }

  /** At the end, after everything ready was delivered: what was acknowledged and never settled must have come. */
  drained(log: string, partition: number, delivered: ReadonlySet<number>): void {
    for (const [offset, id] of this.of(log, partition).acked) {
      const place = `${log}/${partition}@${offset}`
      if (!this.doneTried.has(place)) assert.ok(delivered.has(offset), `${place}: ${id} was never delivered at the end`)
    }
  }

  triesToAdvance(name: string, offset: number): void {
    const position = this.positions.get(name) ?? { acked: -1, tried: -1 }
    this.positions.set(name, { ...position, tried: Math.max(position.tried, offset) })
  }

  advanced(name: string, offset: number): void {
    const position = this.positions.get(name)!
    this.positions.set(name, { ...position, acked: Math.max(position.acked, offset) })
  }

  position(name: string, offset: number): void {
    const { acked, tried } = this.positions.get(name) ?? { acked: -1, tried: -1 }
    assert.ok(offset >= acked, `${name}: position ${offset} is behind the acknowledged ${acked}`)
    assert.ok(offset <= tried, `${name}: position ${offset} was never committed`)
  }
}
