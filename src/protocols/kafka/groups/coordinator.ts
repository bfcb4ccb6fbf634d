import type { Clock, Random, Timers } from '../../../world/index.ts'
import { code } from '../errors.ts'
import { groupsMax } from '../limits.ts'
import type { KafkaSettings } from '../settings.ts'
import { Generations } from './generations.ts'
import { Group, refusedJoin, refusedSync } from './group.ts'
import type { GroupHost } from './group.ts'
import type { GroupDescription, JoinAnswer, JoinRequest, SyncAnswer, SyncRequest } from './types.ts'

/** All groups that have members now. Those that only have committed offsets are known to the core alone. */
export class GroupCoordinator {
  private readonly groups = new Map<string, Group>()
  private readonly generations: Generations
  private readonly settings: KafkaSettings
  private readonly host: GroupHost

  constructor(world: { clock: Clock; timers: Timers; random: Random }, settings: KafkaSettings) {
    this.settings = settings
    const { clock, timers, random } = world
    const initialRebalanceDelayMs = settings.groupInitialRebalanceDelayMs
    this.generations = new Generations(clock)
    const emptied = (group: Group): void => {
      this.groups.delete(group.id)
      this.generations.ended(group.id, group.generation)
    }
    this.host = { clock, timers, random, initialRebalanceDelayMs, bytes: 0, emptied }
  }

  /** The answer may come much later: when all members have joined. */
  join(groupId: string, request: JoinRequest): Promise<JoinAnswer> {
    const problem = this.joinProblem(groupId, request)
    if (problem !== code.none) return Promise.resolve(refusedJoin(problem, request.memberId))
    let group = this.groups.get(groupId)
    if (group === undefined) {
      group = new Group(groupId, this.host, this.generations.next(groupId))
      this.groups.set(groupId, group)
    }
    const found = group
    return new Promise((resolve) => {
      found.join(request, resolve)
      if (found.size === 0) this.groups.delete(groupId)
    })
  }

  private joinProblem(groupId: string, request: JoinRequest): number {
    const { groupSessionTimeoutMinMs, groupSessionTimeoutMaxMs } = this.settings
    const { sessionTimeoutMs } = request
    if (groupId === '') return code.invalidGroupId
    if (sessionTimeoutMs < groupSessionTimeoutMinMs || sessionTimeoutMs > groupSessionTimeoutMaxMs) {
      return code.invalidSessionTimeout
    }
    if (this.groups.has(groupId)) return code.none
    if (request.memberId !== '') return code.unknownMemberId
    return this.groups.size >= groupsMax ? code.coordinatorNotAvailable : code.none
  }

  sync(groupId: string, request: SyncRequest): Promise<SyncAnswer> {
    const group = this.groups.get(groupId)
    if (group === undefined) return Promise.resolve(refusedSync(code.unknownMemberId))
    return new Promise((resolve) => group.sync(request, resolve))
  }

  heartbeat(groupId: string, memberId: string, instanceId: string | null, generationId: number): number {
    return this.groups.get(groupId)?.heartbeat(memberId, instanceId, generationId) ?? code.unknownMemberId
  }

  leave(groupId: string, memberId: string, instanceId: string | null): number {
    return this.groups.get(groupId)?.leave(memberId, instanceId) ?? code.unknownMemberId
  }

  commitProblem(groupId: string, memberId: string, instanceId: string | null, generationId: number): number {
    if (groupId === '') return code.invalidGroupId
    const group = this.groups.get(groupId)
    if (group !== undefined) return group.commitProblem(memberId, instanceId, generationId)
    return generationId < 0 ? code.none : code.illegalGeneration
  }

  hasMembers(groupId: string): boolean {
    return this.groups.get(groupId)?.hasMembers ?? false
  }

  describe(groupId: string): GroupDescription | undefined {
    return this.groups.get(groupId)?.describe()
  }

  stop(): void {
    for (const group of this.groups.values()) group.stop()
    this.groups.clear()
    this.host.bytes = 0
  }

  /** What all members make us hold. */
  get bytes(): number {
    return this.host.bytes
  }

  list(): GroupDescription[] {
    return [...this.groups.values()].map((group) => group.describe())
  }
}
