import os from 'node:os'
import type { Clock } from '../clock.ts'

/** How often sleep is looked for, and how much of it is one: the uptime is counted in hundredths of a second. */
const lookEveryMs = 1000
const sleptMsMin = 2000

let lookedAt = 0
let asleepMs = 0
let awakeMs = awakeNow()

/** The uptime counts sleep, monotonic time does not. */
function awakeNow(): number {
  return os.uptime() * 1000 - performance.now()
}

function asleep(): number {
  const now = performance.now()
  if (now - lookedAt < lookEveryMs) return asleepMs
  lookedAt = now
  const slept = awakeNow() - awakeMs
  if (slept > sleptMsMin) {
    asleepMs += slept
    awakeMs += slept
  }
  return asleepMs
}

export const systemClock: Clock = {
  now: () => Date.now(),
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  asleep,
}
