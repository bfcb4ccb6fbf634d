import type { DiskErrorKind } from '../../../src/world/index.ts'
import type { SimFaults, SimOperation } from '../../../src/world/sim/sim-disk.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'

export const faultKinds = [
  'powerLost',
  'killed',
  'stopped',
  'diskRead',
  'diskWrite',
  'diskSync',
  'diskCommit',
  'diskOther',
  'diskFull',
  'shortWrite',
  'diskSlow',
  'bitFlip',
  'clockJump',
  'clientKilled',
  'clientSlow',
] as const
export type FaultKind = (typeof faultKinds)[number]

const countedAs: Record<SimOperation, FaultKind> = {
  read: 'diskRead',
  write: 'diskWrite',
  sync: 'diskSync',
  commit: 'diskCommit',
  open: 'diskOther',
  rename: 'diskOther',
  remove: 'diskOther',
  list: 'diskOther',
  syncFolder: 'diskOther',
}

/** What bits flip in: batches of records in sealed files, or what can be made again. */
export type Rotting = 'nothing' | 'records' | 'indexes'

/** Which troubles this seed has at all, and how bad they are: most seeds have a few, some have none but crashes. */
export interface Plan {
  /** The longest that an operation of the disk takes, ms. */
  diskDelayMsMax: number
  /** As of the commits alone: all else may overtake them. */
  commitDelayMsMax: number
  /** How often the state is checkpointed, ms: often, or hardly ever. */
  checkpointMs: number
  /** One operation in so many fails while there is trouble; 0 = never. */
  errorOnceIn: number
  /** Operations that fail; others do not. */
  errorOperations: readonly SimOperation[]
  full: boolean
  rotting: Rotting
  clockJumps: boolean
  clientsDie: boolean
  clientsSlow: boolean
}

const failing: readonly (readonly SimOperation[])[] = [
  ['read'],
  ['write', 'sync', 'commit'],
  ['commit'],
  ['sync', 'syncFolder'],
  ['read', 'write', 'sync', 'commit', 'open', 'rename', 'remove', 'list', 'syncFolder'],
]

export function planOf(random: SimRandom): Plan {
  const diskDelayMsMax = random.once(10) ? 200 : 0.2 + random.below(150) / 10
  const commitsLate = random.once(4)
  const errorOperations = failing[random.below(failing.length)]!
  // There are far more commits than reads that come to the disk.
  const errorsOften = errorOperations.length === 1 && errorOperations[0] === 'read'
  return {
    diskDelayMsMax: commitsLate ? 0.2 : diskDelayMsMax,
    commitDelayMsMax: commitsLate ? 40 + random.below(100) : diskDelayMsMax,
    checkpointMs: random.once(4) ? 5000 : 40 + random.below(200),
    errorOnceIn: random.once(3) ? (errorsOften ? 2 + random.below(6) : 20 + random.below(200)) : 0,
    errorOperations,
    full: random.once(6),
    rotting: random.once(4) ? 'records' : random.once(6) ? 'indexes' : 'nothing',
    clockJumps: random.once(3),
    clientsDie: random.once(2),
    clientsSlow: random.once(3),
  }
}

/** What the disk does wrong, while it is told to. */
export class Faults implements SimFaults {
  readonly counts = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>
  /** Errors come in spells. */
  trouble = false
  readonly plan: Plan
  private readonly random: SimRandom

  constructor(plan: Plan, random: SimRandom) {
    this.plan = plan
    this.random = random
  }

  fail(operation: SimOperation): DiskErrorKind | null {
    const { errorOnceIn, errorOperations } = this.plan
    if (!this.trouble || errorOnceIn === 0 || !errorOperations.includes(operation)) return null
    if (!this.random.once(errorOnceIn)) return null
    this.counts[countedAs[operation]]++
    return 'io'
  }

  cut(): void {
    this.counts.shortWrite++
  }

  delayMs(operation: SimOperation): number {
    const { diskDelayMsMax, commitDelayMsMax } = this.plan
    const delayMs = this.random.below((operation === 'commit' ? commitDelayMsMax : diskDelayMsMax) * 10) / 10
    if (delayMs >= 50) this.counts.diskSlow++
    return delayMs
  }
}
