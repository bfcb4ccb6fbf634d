/**
 * One classic consumer group: who is in it, and the barrier at which all meet when that changes.
 *
 *   Empty -> PreparingRebalance -> CompletingRebalance -> Stable
 *              all join again        leader assigns         heartbeats
 *
 * The broker never looks into metadata or assignments. Membership lives in memory: after a restart everybody joins
 * again; committed offsets are durable elsewhere.
 */
import type { Clock, Random, Timer, Timers } from '../../../world/index.ts'
import { code } from '../errors.ts'
import { groupBytesMax, groupMembersMax, memberBytesBeside, memberBytesMax, memberProtocolsMax } from '../limits.ts'
import { bytesOf, electProtocol, emptyBytes, metadataBytes, metadataOf, namesOf, sameProtocols } from './member.ts'
import type { Member } from './member.ts'
import type { GroupDescription, GroupState, JoinAnswer, JoinRequest, SyncAnswer, SyncRequest } from './types.ts'

export interface GroupHost {
  clock: Clock
  timers: Timers
  random: Random
  initialRebalanceDelayMs: number
  /** What the members of all groups make us hold. */
  bytes: number
  /** The last member has gone. */
  emptied(group: Group): void
}

export class Group {
  readonly id: string
  state: GroupState = 'Empty'
  generation: number
  /** Its first round is not over. */
  private isNew = true
  protocolType: string | null = null
  private protocol: string | null = null
  private leader: string | null = null
  private readonly members = new Map<string, Member>()
  private readonly instances = new Map<string, string>()
  /** Ids that were given out with MEMBER_ID_REQUIRED and have not come back yet. */
  private readonly pending = new Map<string, Timer>()
  private barrier: Timer | null = null
  private readonly host: GroupHost

  constructor(id: string, host: GroupHost, generation: number) {
    this.id = id
    this.host = host
    this.generation = generation
  }

  get size(): number {
    return this.members.size + this.pending.size
  }

  join(request: JoinRequest, answer: (answer: JoinAnswer) => void): void {
    const problem = this.joinProblem(request)
    if (problem !== code.none) {
      answer(refusedJoin(problem, request.memberId))
      return
    }
    if (request.memberId !== '' && this.members.has(request.memberId)) {
      this.rejoin(this.members.get(request.memberId)!, request, answer)
      return
    }
    const known = request.instanceId === null ? undefined : this.instances.get(request.instanceId)
    if (known !== undefined) {
      this.replaceStatic(this.members.get(known)!, request, answer)
    } else if (request.memberId === '' && request.instanceId === null && request.idRequired) {
      answer(refusedJoin(code.memberIdRequired, this.expectMember(request)))
    } else {
      this.forgetPending(request.memberId)
      this.addMember(request.memberId === '' ? this.newId(request) : request.memberId, request, answer)
    }
  }

  private joinProblem(request: JoinRequest): number {
    const { memberId, instanceId } = request
    const known = memberId === '' || this.members.has(memberId) || this.pending.has(memberId)
    if (instanceId !== null && memberId !== '') {
      const current = this.instances.get(instanceId)
      if (current === undefined) return code.unknownMemberId
      if (current !== memberId) return code.fencedInstanceId
    } else if (!known) return code.unknownMemberId
    if (memberId === '' && this.size >= groupMembersMax) return code.groupMaxSizeReached
    if (request.protocolType === '' || request.protocols.length === 0) return code.inconsistentGroupProtocol
    if (request.protocols.length > memberProtocolsMax) return code.invalidRequest
    if (metadataBytes(request.protocols) > memberBytesMax) return code.invalidRequest
    const before = this.members.get(memberId)
    const more = bytesOf({ assignment: emptyBytes, ...request }) - (before === undefined ? 0 : bytesOf(before))
    // Others may go: the client asks again.
    if (more > 0 && this.host.bytes + more > groupBytesMax) return code.coordinatorNotAvailable
    return this.fits(request) ? code.none : code.inconsistentGroupProtocol
  }

  /** Some protocol must be left that all members know. */
  private fits(request: JoinRequest): boolean {
    const others = [...this.members.values()].filter(
      (member) =>
        member.id !== request.memberId && (request.instanceId === null || member.instanceId !== request.instanceId),
    )
    if (others.length === 0) return true
    if (this.protocolType !== request.protocolType) return false
    const names = others.map(namesOf)
    return request.protocols.some(({ name }) => names.every((known) => known.has(name)))
  }

  private newId(request: JoinRequest): string {
    const suffix = this.host.random.bytes(16).toString('hex')
    return `${request.instanceId ?? request.clientId}-${suffix}`
  }

  private expectMember(request: JoinRequest): string {
    const id = this.newId(request)
    const timer = this.host.timers.after(request.sessionTimeoutMs, () => {
      this.forgetPending(id)
      this.maybeCompleteJoin()
      this.maybeEmptied()
    })
    this.pending.set(id, timer)
    this.host.bytes += memberBytesBeside
    return id
  }

  private forgetPending(id: string): boolean {
    this.pending.get(id)?.cancel()
    if (!this.pending.delete(id)) return false
    this.host.bytes -= memberBytesBeside
    return true
  }

  private addMember(id: string, request: JoinRequest, answer: (answer: JoinAnswer) => void): void {
    const member: Member = {
      id,
      ...request,
      assignment: emptyBytes,
      joining: answer,
      syncing: null,
      seenAt: this.host.clock.monotonic(),
      timer: null,
    }
    if (this.members.size === 0) this.protocolType = request.protocolType
    this.members.set(id, member)
    this.host.bytes += bytesOf(member)
    if (member.instanceId !== null) this.instances.set(member.instanceId, id)
    this.leader ??= id
    this.watch(member)
    this.prepareRebalance()
  }

  private rejoin(member: Member, request: JoinRequest, answer: (answer: JoinAnswer) => void): void {
    const unchanged = sameProtocols(member.protocols, request.protocols)
    this.update(member, request)
    const waitsForSync = this.state === 'CompletingRebalance' && unchanged
    const staysInPlace = this.state === 'Stable' && unchanged && member.id !== this.leader
    if (waitsForSync || staysInPlace) {
      answer(this.joined(member))
      return
    }
    this.setJoining(member, answer)
    this.prepareRebalance()
  }

  /**
   * A static member is back under a new id; the old one is fenced. Nobody else needs to know if all still share out in the
   * same way: its metadata may well differ, since clients write into it what they had and in which generation.
   */
  private replaceStatic(old: Member, request: JoinRequest, answer: (answer: JoinAnswer) => void): void {
    old.joining?.(refusedJoin(code.fencedInstanceId, old.id))
    old.syncing?.(refusedSync(code.fencedInstanceId))
    old.joining = old.syncing = null
    old.timer?.cancel()
    this.members.delete(old.id)
    const formerLeader = this.leader === old.id ? old.id : null
    const member: Member = { ...old, id: this.newId(request), timer: null }
    this.members.set(member.id, member)
    this.instances.set(request.instanceId!, member.id)
    if (formerLeader !== null) this.leader = member.id
    this.update(member, request)
    this.watch(member)
    if (this.state !== 'Stable' || electProtocol(this.members.values()) !== this.protocol) {
      this.setJoining(member, answer)
      this.prepareRebalance()
      return
    }
    // A leader that cannot be told to skip the assignment is told that another one leads.
    const leader = formerLeader !== null && !request.canSkipAssignment ? formerLeader : this.leader!
    const leads = leader === member.id
    answer({ ...this.joined(member), leader, skipAssignment: leads, members: leads ? this.listMembers() : [] })
  }

  private update(member: Member, request: JoinRequest): void {
    member.clientId = request.clientId
    member.host = request.host
    this.host.bytes += metadataBytes(request.protocols) - metadataBytes(member.protocols)
    member.protocols = request.protocols
    member.sessionTimeoutMs = request.sessionTimeoutMs
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs
    this.touch(member)
  }

  private setJoining(member: Member, answer: (answer: JoinAnswer) => void): void {
    member.joining?.(refusedJoin(code.unknownMemberId, member.id))
    member.joining = answer
  }

  private prepareRebalance(): void {
    if (this.state !== 'PreparingRebalance') {
      const delayMs = this.state === 'Empty' ? this.host.initialRebalanceDelayMs : 0
      for (const member of this.members.values()) {
        this.setAssignment(member, emptyBytes)
        member.syncing?.(refusedSync(code.rebalanceInProgress))
        member.syncing = null
      }
      this.state = 'PreparingRebalance'
      const timeoutMs = Math.max(...[...this.members.values()].map((member) => member.rebalanceTimeoutMs))
      const initial = delayMs > 0
      this.setBarrier(initial ? Math.min(delayMs, timeoutMs) : timeoutMs, () => this.completeJoin())
      if (initial) return
    }
    this.maybeCompleteJoin()
  }

  private setBarrier(delayMs: number, run: () => void): void {
    this.barrier?.cancel()
    this.barrier = this.host.timers.after(delayMs, run)
  }

  private maybeCompleteJoin(): void {
    if (this.state !== 'PreparingRebalance' || this.pending.size > 0) return
    if (this.isNew && this.host.initialRebalanceDelayMs > 0) return
    for (const member of this.members.values()) if (member.joining === null) return
    this.completeJoin()
  }

  /** All are here, or the time is over: who did not come is out, but for static members, whose session decides. */
  private completeJoin(): void {
    this.barrier?.cancel()
    this.barrier = null
    this.isNew = false
    for (const member of [...this.members.values()]) {
      if (member.joining === null && member.instanceId === null) this.forget(member)
    }
    this.generation++
    if (this.members.size === 0) {
      this.becomeEmpty()
      return
    }
    const leader = this.leader === null ? undefined : this.members.get(this.leader)
    if (leader === undefined || leader.joining === null) {
      const present = [...this.members.values()].find((member) => member.joining !== null)
      this.leader = (present ?? this.members.values().next().value!).id
    }
    this.protocol = electProtocol(this.members.values())
    this.state = 'CompletingRebalance'
    for (const member of this.members.values()) {
      const answer = member.joining
      member.joining = null
      this.touch(member)
      answer?.(this.joined(member))
    }
    const timeoutMs = Math.max(...[...this.members.values()].map((member) => member.rebalanceTimeoutMs))
    this.setBarrier(timeoutMs, () => this.dropUnsynced())
  }

  private dropUnsynced(): void {
    if (this.state !== 'CompletingRebalance') return
    for (const member of [...this.members.values()]) if (member.syncing === null) this.forget(member)
    this.afterLoss()
  }

  private joined(member: Member): JoinAnswer {
    return {
      errorCode: code.none,
      generationId: this.generation,
      protocolType: this.protocolType,
      protocolName: this.protocol,
      leader: this.leader ?? '',
      skipAssignment: false,
      memberId: member.id,
      members: member.id === this.leader ? this.listMembers() : [],
    }
  }

  private listMembers(): JoinAnswer['members'] {
    return [...this.members.values()].map((member) => {
      return { memberId: member.id, groupInstanceId: member.instanceId, metadata: metadataOf(member, this.protocol) }
    })
  }

  sync(request: SyncRequest, answer: (answer: SyncAnswer) => void): void {
    const member = this.members.get(request.memberId)
    const problem = this.syncProblem(member, request)
    if (problem !== code.none || member === undefined) {
      answer(refusedSync(problem))
      return
    }
    this.touch(member)
    if (this.state === 'Stable') {
      answer(this.synced(member))
      return
    }
    member.syncing?.(refusedSync(code.unknownMemberId))
    member.syncing = answer
    if (member.id === this.leader) this.assign(request.assignments)
  }

  private syncProblem(member: Member | undefined, request: SyncRequest): number {
    const problem = this.memberProblem(member, request.instanceId, request.memberId, request.generationId)
    if (problem !== code.none) return problem
    if (request.protocolType !== null && request.protocolType !== this.protocolType)
      return code.inconsistentGroupProtocol
    if (request.protocolName !== null && request.protocolName !== this.protocol) return code.inconsistentGroupProtocol
    if (request.assignments.some(({ assignment }) => assignment.length > memberBytesMax)) return code.invalidRequest
    const assigned = request.assignments.reduce((sum, { assignment }) => sum + assignment.length, 0)
    if (this.host.bytes + assigned > groupBytesMax) return code.coordinatorNotAvailable
    return this.state === 'PreparingRebalance' ? code.rebalanceInProgress : code.none
  }

  private assign(assignments: SyncRequest['assignments']): void {
    for (const { memberId, assignment } of assignments) {
      const member = this.members.get(memberId)
      if (member) this.setAssignment(member, Buffer.from(assignment))
    }
    this.barrier?.cancel()
    this.barrier = null
    this.state = 'Stable'
    for (const member of this.members.values()) {
      const answer = member.syncing
      member.syncing = null
      this.touch(member)
      answer?.(this.synced(member))
    }
  }

  private setAssignment(member: Member, assignment: Buffer): void {
    this.host.bytes += assignment.length - member.assignment.length
    member.assignment = assignment
  }

  private synced(member: Member): SyncAnswer {
    const { protocolType, protocol } = this
    return { errorCode: code.none, protocolType, protocolName: protocol, assignment: member.assignment }
  }

  heartbeat(memberId: string, instanceId: string | null, generationId: number): number {
    const member = this.members.get(memberId)
    const problem = this.memberProblem(member, instanceId, memberId, generationId)
    if (problem !== code.none || member === undefined) return problem
    this.touch(member)
    return this.state === 'PreparingRebalance' ? code.rebalanceInProgress : code.none
  }

  /** May this member commit offsets? Without a member it is a consumer that assigns itself: only in an empty group. */
  commitProblem(memberId: string, instanceId: string | null, generationId: number): number {
    if (generationId < 0 && memberId === '' && instanceId === null) {
      return this.members.size === 0 ? code.none : code.unknownMemberId
    }
    const member = this.members.get(memberId)
    const problem = this.memberProblem(member, instanceId, memberId, generationId)
    if (problem !== code.none || member === undefined) return problem
    this.touch(member)
    return this.state === 'CompletingRebalance' ? code.rebalanceInProgress : code.none
  }

  private memberProblem(member: Member | undefined, instanceId: string | null, id: string, generation: number): number {
    if (instanceId !== null) {
      const current = this.instances.get(instanceId)
      if (current !== undefined && current !== id) return code.fencedInstanceId
    }
    if (member === undefined) return code.unknownMemberId
    return generation === this.generation ? code.none : code.illegalGeneration
  }

  /** A static member may be named by its instance alone, as an administrator does. */
  leave(memberId: string, instanceId: string | null): number {
    const current = instanceId === null ? memberId : this.instances.get(instanceId)
    if (current === undefined) return code.unknownMemberId
    if (memberId !== '' && current !== memberId) return code.fencedInstanceId
    if (this.forgetPending(current)) {
      this.maybeCompleteJoin()
      this.maybeEmptied()
      return code.none
    }
    const member = this.members.get(current)
    if (member === undefined) return code.unknownMemberId
    this.forget(member)
    this.afterLoss()
    return code.none
  }

  private forget(member: Member): void {
    member.timer?.cancel()
    member.joining?.(refusedJoin(code.unknownMemberId, member.id))
    member.syncing?.(refusedSync(code.unknownMemberId))
    member.joining = member.syncing = null
    if (this.members.delete(member.id)) this.host.bytes -= bytesOf(member)
    if (member.instanceId !== null) this.instances.delete(member.instanceId)
    if (this.leader === member.id) this.leader = this.members.keys().next().value ?? null
  }

  private afterLoss(): void {
    if (this.members.size > 0) {
      this.prepareRebalance()
      return
    }
    this.generation++
    this.becomeEmpty()
  }

  private becomeEmpty(): void {
    this.barrier?.cancel()
    this.barrier = null
    this.state = 'Empty'
    this.protocol = null
    this.leader = null
    this.maybeEmptied()
  }

  private maybeEmptied(): void {
    if (this.size === 0) this.host.emptied(this)
  }

  private touch(member: Member): void {
    member.seenAt = this.host.clock.monotonic()
  }

  /** One timer a member, moved on when it fires and the member was heard of meanwhile. */
  private watch(member: Member): void {
    const silentMs = this.host.clock.monotonic() - member.seenAt
    member.timer = this.host.timers.after(Math.max(1, member.sessionTimeoutMs - silentMs), () => {
      const waits = member.joining !== null || member.syncing !== null
      if (waits) this.touch(member)
      if (this.host.clock.monotonic() - member.seenAt < member.sessionTimeoutMs) {
        this.watch(member)
        return
      }
      this.forget(member)
      this.afterLoss()
    })
  }

  describe(): GroupDescription {
    const stable = this.state === 'Stable'
    const members = [...this.members.values()].map((member) => ({
      memberId: member.id,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.host,
      memberMetadata: stable ? metadataOf(member, this.protocol) : emptyBytes,
      memberAssignment: stable ? member.assignment : emptyBytes,
    }))
    const protocol = stable ? (this.protocol ?? '') : ''
    return { groupId: this.id, state: this.state, protocolType: this.protocolType ?? '', protocol, members }
  }

  /** Topics that members subscribe to are known only to them; what matters here is whether anybody is there. */
  get hasMembers(): boolean {
    return this.members.size > 0
  }

  stop(): void {
    this.barrier?.cancel()
    for (const timer of this.pending.values()) timer.cancel()
    for (const member of this.members.values()) member.timer?.cancel()
  }
}

export function refusedJoin(errorCode: number, memberId: string): JoinAnswer {
  return {
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

export function refusedSync(errorCode: number): SyncAnswer {
  return { errorCode, protocolType: null, protocolName: null, assignment: emptyBytes }
}
