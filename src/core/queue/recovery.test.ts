import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Reader, Writer } from '../../base/index.ts'
import { LeaseQueue } from './lease-queue.ts'
import { NaiveQueue } from './testing/naive-queue.ts'
import { command, QueuePair } from './testing/queue-commands.ts'
import type { Command } from './testing/queue-commands.ts'

type Step = Command | { do: 'commit' } | { do: 'round'; full: boolean } | { do: 'part' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: command },
  { weight: 3, arbitrary: fc.constant<Step>({ do: 'commit' }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('round' as const), full: fc.boolean() }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: 'part' }) },
)

/** A journal and a checkpoint as the store keeps them: entries by commit, parts written a few at a time. */
class Keeper {
  entries: Buffer[] = []
  private checkpoint = new Map<number, Buffer>()
  private checkpointBegin = 0
  private round: { begin: number; left: number[]; parts: Map<number, Buffer> } | null = null
  private readonly queue: LeaseQueue

  constructor(queue: LeaseQueue) {
    this.queue = queue
  }

  commit(): void {
    if (!this.queue.dirty) return
    const w = new Writer()
    this.queue.writeEntry(w)
    this.entries.push(w.finish())
  }

  begin(full: boolean): void {
    this.commit()
    if (this.round !== null) return
    const left = this.queue.checkpointParts(full)
    this.round = { begin: this.entries.length, left, parts: new Map(full ? [] : this.checkpoint) }
    this.part()
  }

  /** The first part is written at once; a round that is done counts when what it saw is committed. */
  part(): void {
    if (this.round === null) return
    const part = this.round.left.shift()
    if (part !== undefined) {
      const w = new Writer()
      this.queue.writePart(part, w)
      if (w.length === 0) this.round.parts.delete(part)
      else this.round.parts.set(part, w.finish())
    }
    if (this.round.left.length > 0) return
    this.commit()
    this.checkpoint = this.round.parts
    this.checkpointBegin = this.round.begin
    this.round = null
  }

  /** After a crash that took the entries beyond `durable`; `early`: entries before the checkpoint come again, too. */
  recover(durable: number, early: number, start: number, end: number): LeaseQueue {
    const queue = new LeaseQueue(0)
    for (const [part, state] of [...this.checkpoint].reverse()) queue.restorePart(part, new Reader(state))
    const from = Math.max(0, this.checkpointBegin - early)
    for (const entry of this.entries.slice(from, Math.max(durable, this.checkpointBegin)))
      queue.applyEntry(new Reader(entry))
    queue.recovered(start, end, 0)
    return queue
  }
}

test('a queue comes back from checkpoint and journal: settled is settled, nothing else is, no attempt repeats', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 32_760, 65_534),
      fc.array(step, { maxLength: 80, size: 'max' }),
      fc.nat(3),
      (start, steps, early) => {
        const pair = new QueuePair(new LeaseQueue(start, start, 3), new NaiveQueue(start, start, 3))
        const keeper = new Keeper(pair.queue)
        const attempts = new Map<number, number>()
        for (const s of steps) {
          if (s.do === 'commit') keeper.commit()
          else if (s.do === 'round') keeper.begin(s.full)
          else if (s.do === 'part') keeper.part()
          else pair.run(s)
          if (s.do === 'seek') attempts.clear()
          for (let offset = start; offset < pair.queue.end; offset++) {
            const attempt = pair.queue.attempt(offset)
            if (pair.queue.state(offset) === 'leased' && attempt > (attempts.get(offset) ?? 0))
              attempts.set(offset, attempt)
          }
        }
        keeper.commit()
        const { queue } = pair
        const back = keeper.recover(keeper.entries.length, early, start, queue.end)
        for (let offset = start; offset < queue.end; offset++) {
          const state = queue.state(offset)
          const expected = state === 'settled' || state === 'parked' ? state : 'ready'
          assert.equal(back.state(offset), expected, `state of ${offset}`)
          if (state === 'settled') continue
          const attempt = back.attempt(offset)
          const most = attempts.get(offset) ?? 0
          const seen = queue.attempt(offset) - (state === 'leased' ? 0 : 1)
          assert.ok(attempt > seen && attempt <= most + 1, `attempt of ${offset}: ${attempt} after ${seen} to ${most}`)
        }
        assert.equal(back.floor, queue.floor)
        assert.equal(back.leased + back.delayed, 0)
      },
    ),
    { numRuns: 2000 },
  )
})

const page = 32_768

test('a page that was written and is all settled now does not come back', () => {
  const queue = new LeaseQueue(0)
  const keeper = new Keeper(queue)
  queue.extend(3 * page, 0)
  queue.lease(0, 3 * page, 1, Infinity, 0, 0)
  queue.done(page, page + 9, 1)
  keeper.begin(true)
  for (let n = 0; n < 4; n++) keeper.part()
  queue.done(page + 10, 2 * page - 1, 1)
  keeper.begin(false)
  for (let n = 0; n < 4; n++) keeper.part()
  const back = keeper.recover(keeper.entries.length, 0, 0, 3 * page)
  assert.equal(back.ready, 2 * page)
  assert.equal(back.needed(page, 2 * page - 1), false)
  assert.equal(back.attempt(0), 2)
})

test('a page that is made while a checkpoint is being written is not taken for settled', () => {
  const queue = new LeaseQueue(0)
  const keeper = new Keeper(queue)
  queue.extend(3 * page, 0)
  queue.lease(0, page + 10, 1, Infinity, 0, 0)
  keeper.begin(true)
  queue.lease(page + 10, page, 1, Infinity, 0, 0)
  queue.done(2 * page + 1, 2 * page + 1, 1)
  for (let n = 0; n < 4; n++) keeper.part()
  const back = keeper.recover(keeper.entries.length, 0, 0, 3 * page)
  assert.equal(back.ready, 3 * page - 1)
  assert.equal(back.state(2 * page + 1), 'settled')
  assert.equal(back.attempt(2 * page), 2)
  assert.equal(back.attempt(2 * page + 10), 1)
})
