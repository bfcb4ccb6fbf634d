import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SteadyClock } from './steady-clock.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** A machine whose clocks go as they are told. */
class Machine {
  wallMs = dayMs * 20_000
  monotonicMs = 5
  asleepMs = 0
  readonly wall = (): number => this.wallMs
  readonly now = (): number => this.wallMs
  readonly monotonic = (): number => this.monotonicMs
  readonly asleep = (): number => this.asleepMs

  pass(ms: number): void {
    this.wallMs += ms
    this.monotonicMs += ms
  }
}

function stand(): { machine: Machine; clock: SteadyClock; start: number } {
  const machine = new Machine()
  return { machine, clock: new SteadyClock(machine), start: machine.wallMs }
}

for (const [what, jumpMs] of [
  ['an hour back', -hourMs],
  ['a day ahead', dayMs],
] as const) {
  test(`${what}: time goes on as before, and makes up for it by 1 %`, () => {
    const { machine, clock, start } = stand()
    machine.pass(1000)
    assert.equal(clock.now(), start + 1000)
    machine.wallMs += jumpMs
    assert.equal(clock.now(), start + 1000)
    let before = clock.now()
    for (let i = 0; i < 100; i++) {
      machine.pass(1000)
      const passed = clock.now() - before
      before = clock.now()
      assert.ok(passed >= 989 && passed <= 1011, `${passed} ms in a second`)
    }
    const left = Math.abs(machine.wallMs - clock.now())
    assert.ok(Math.abs(left - (Math.abs(jumpMs) - 1000)) < 10, `${left} ms are left`)
  })
}

test('a small correction is followed, but never backwards', () => {
  const { machine, clock, start } = stand()
  machine.wallMs += 300
  assert.equal(clock.now(), start + 300)
  machine.wallMs -= 200
  assert.equal(clock.now(), start + 300)
  machine.pass(500)
  assert.equal(clock.now(), machine.wallMs)
})

test('what the machine slept has passed: what was due then is due at once', () => {
  const { machine, clock, start } = stand()
  machine.wallMs += 8 * hourMs
  machine.asleepMs += 8 * hourMs
  assert.equal(clock.now(), start + 8 * hourMs)
})

test('time goes on from what was stored, where the clock was set back while nobody ran', () => {
  const { machine, clock, start } = stand()
  clock.goOnFrom(start + hourMs)
  assert.equal(clock.now(), start + hourMs)
  machine.pass(1000)
  assert.ok(Math.abs(clock.now() - (start + hourMs + 1000)) <= 11)
  clock.goOnFrom(start)
  assert.ok(clock.now() > start + hourMs)
})
