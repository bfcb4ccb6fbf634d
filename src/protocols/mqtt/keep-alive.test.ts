import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeepAlive } from './keep-alive.ts'
import type { Watched } from './keep-alive.ts'

/** Time that a test moves. */
class Time {
  now = 0
  timers: { at: number; run: () => void }[] = []
  clock = { now: () => this.now, wall: () => this.now, monotonic: () => this.now, asleep: () => 0 }
  source = {
    after: (delayMs: number, run: () => void) => {
      const timer = { at: this.now + delayMs, run }
      this.timers.push(timer)
      return { cancel: () => undefined }
    },
    endOfTurn: () => undefined,
  }

  forward(ms: number, stepMs = 100): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now += stepMs
      for (const timer of this.timers.filter(({ at }) => at <= this.now)) {
        this.timers.splice(this.timers.indexOf(timer), 1)
        timer.run()
      }
    }
  }
}

class Someone implements Watched {
  reading = true
  heardAt = 0
  silenceTicksMax = 0
  silentAt = -1
  private readonly time: Time

  constructor(time: Time) {
    this.time = time
  }

  mayBeSilent(): boolean {
    return !this.reading
  }

  silent(): void {
    this.silentAt = this.time.now
  }
}

test('one timer for all; silence is noticed in time and never early', () => {
  const time = new Time()
  const wheel = new KeepAlive(time.clock, time.source)
  const all = [1500, 15_000, 90_000, 300_000, 1_000_000].map((silenceMs) => {
    const someone = new Someone(time)
    wheel.watch(someone, silenceMs)
    return { someone, silenceMs }
  })
  assert.equal(time.timers.length, 1)
  time.forward(1_010_000)
  for (const { someone, silenceMs } of all) {
    assert.ok(someone.silentAt >= silenceMs, `${silenceMs}: at ${someone.silentAt}`)
    assert.ok(someone.silentAt <= silenceMs + 3000, `${silenceMs}: at ${someone.silentAt}`)
  }
  time.forward(2000)
  assert.equal(time.timers.length, 0, 'nobody is watched: no timer')
})

test('who speaks stays; who left is not asked; who is watched anew has its new time', () => {
  const time = new Time()
  const wheel = new KeepAlive(time.clock, time.source)
  const [speaking, left, anew] = [new Someone(time), new Someone(time), new Someone(time)]
  for (const someone of [speaking, left, anew]) wheel.watch(someone, 3000)
  for (let i = 0; i < 20; i++) {
    time.forward(1000)
    speaking.heardAt = wheel.tick
    if (i === 1) wheel.forget(left)
    if (i === 1) wheel.watch(anew, 0)
  }
  assert.deepEqual([speaking.silentAt, left.silentAt, anew.silentAt], [-1, -1, -1])
  time.forward(7000)
  assert.ok(speaking.silentAt > 0)
  assert.equal(left.silentAt, -1)
})

test('a clock that jumps far makes nobody immortal', () => {
  const time = new Time()
  const wheel = new KeepAlive(time.clock, time.source)
  const someone = new Someone(time)
  wheel.watch(someone, 10_000)
  time.forward(3_000_000, 3_000_000)
  assert.ok(someone.silentAt > 0)
})

test('who is not read from cannot be heard, and is not taken for silent', () => {
  const time = new Time()
  const wheel = new KeepAlive(time.clock, time.source)
  const someone = new Someone(time)
  someone.reading = false
  wheel.watch(someone, 3000)
  time.forward(60_000)
  const before = someone.silentAt
  someone.reading = true
  time.forward(7000)
  assert.equal(before, -1)
  assert.ok(someone.silentAt > 60_000)
})
