import assert from 'node:assert/strict'
import { openBroker } from '../../src/core/index.ts'
import type { Machine, Store } from '../../src/log/index.ts'
import { SimRandom } from '../../src/world/sim/random.ts'
import { SimTime } from '../../src/world/sim/time.ts'
import { Auditor } from './auditor.ts'
import { Life, type Memory } from './life.ts'

/** What survives a crash, and how it is opened again. */
export interface Backing {
  open(machine: Machine): Promise<Store>
  /** The machine stops here: what was not synced is kept, lost or torn. */
  crash(): void
  readonly faults: Readonly<Record<string, number>>
}

export interface Report {
  lives: number
  counts: Auditor['counts']
  faults: Readonly<Record<string, number>>
}

/** A few lives of one broker with a crash after each, everything drawn from `seed`; throws what the auditor finds. */
export async function simulate(
  seed: number,
  makeBacking: (time: SimTime, random: SimRandom) => Backing,
): Promise<Report> {
  const random = new SimRandom(seed)
  const time = new SimTime()
  const backing = makeBacking(time, random)
  const auditor = new Auditor()
  const memory: Memory = { lastId: 0, producer: null, position: 0 }
  const lives = 2 + random.below(3)
  for (let n = 0; n <= lives; n++) {
    auditor.boot = n
    const broker = await time.until(
      openBroker({
        clock: time,
        timers: time,
        random,
        openStore: (machine) => backing.open(machine),
      }),
    )
    const life = new Life(broker, time, random, auditor, memory)
    await life.prepare()
    await life.audit()
    capturedWhatTopicHas(auditor)
    if (n === lives) {
      await time.advance(1000)
      await life.drain()
      await time.until(broker.shutdown())
    } else {
      life.start()
      await time.advance(200 + random.below(2000))
      life.dead = true
      time.crash()
      backing.crash()
      await time.advance(random.below(10_000))
    }
  }
  return { lives, counts: auditor.counts, faults: backing.faults }
}

/** One commit holds all copies: what the topic has acknowledged, the queue that captures it has had too. */
function capturedWhatTopicHas(auditor: Auditor): void {
  const captured = auditor.seenIds('captured')
  for (const id of auditor.ackedIds('topic'))
    assert.ok(captured.has(id), `the topic has ${id}, its captured copy is missing`)
}
