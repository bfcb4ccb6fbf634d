import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from '../clock.ts'

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  below: (bound) => randomInt(bound),
}
