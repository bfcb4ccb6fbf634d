import type { Timer } from '../../../world/index.ts'
import { memberBytesBeside } from '../limits.ts'
import type { GroupProtocol, JoinAnswer, SyncAnswer } from './types.ts'

/** One consumer of a group. Its metadata and assignment are opaque: clients agree on them among themselves. */
export interface Member {
  id: string
  /** KIP-345: a static member keeps its place when it comes back under a new id. */
  instanceId: string | null
  clientId: string
  host: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocolType: string
  protocols: readonly GroupProtocol[]
  assignment: Buffer
  /** Set while its JoinGroup or SyncGroup waits for the others; such a member does not time out. */
  joining: ((answer: JoinAnswer) => void) | null
  syncing: ((answer: SyncAnswer) => void) | null
  /** Monotonic ms of the last sign of life. */
  seenAt: number
  timer: Timer | null
}

export const emptyBytes = Buffer.alloc(0)

/** What it makes the broker hold. */
export const bytesOf = ({ protocols, assignment }: Pick<Member, 'protocols' | 'assignment'>): number =>
  memberBytesBeside + metadataBytes(protocols) + assignment.length

export const namesOf = ({ protocols }: Pick<Member, 'protocols'>): ReadonlySet<string> =>
  new Set(protocols.map(({ name }) => name))

export function metadataOf(member: Member, protocol: string | null): Buffer {
  return member.protocols.find((one) => one.name === protocol)?.metadata ?? emptyBytes
}

export function metadataBytes(protocols: readonly GroupProtocol[]): number {
  return protocols.reduce((sum, one) => sum + one.name.length + one.metadata.length, 0)
}

export function sameProtocols(a: readonly GroupProtocol[], b: readonly GroupProtocol[]): boolean {
  return a.length === b.length && a.every((one, i) => one.name === b[i]!.name && one.metadata.equals(b[i]!.metadata))
}

/** The protocol that all members know and most of them like best; null when there is none. */
export function electProtocol(members: Iterable<Member>): string | null {
  const all = [...members]
  const names = all.map(namesOf)
  const votes = new Map<string, number>()
  for (const { name } of all[0]?.protocols ?? []) {
    if (names.every((known) => known.has(name))) votes.set(name, 0)
  }
  for (const member of all) {
    const favourite = member.protocols.find((one) => votes.has(one.name))
    if (favourite) votes.set(favourite.name, votes.get(favourite.name)! + 1)
  }
  let best: string | null = null
  for (const [name, count] of votes) if (best === null || count > votes.get(best)!) best = name
  return best
}
