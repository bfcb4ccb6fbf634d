import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimRandom } from '../../../world/sim/random.ts'
import { SimTime } from '../../../world/sim/time.ts'
import { code } from '../errors.ts'
import { GroupCoordinator } from './coordinator.ts'
import type { JoinAnswer, JoinRequest, SyncAnswer } from './types.ts'

const settings = {
  autoCreateTopics: true,
  partitions: 1,
  messageBytesMax: 1000,
  retentionMs: -1,
  groupInitialRebalanceDelayMs: 0,
  groupSessionTimeoutMinMs: 1000,
  groupSessionTimeoutMaxMs: 60_000,
}

function coordinator(
  changes: Partial<typeof settings> = {},
  time = new SimTime(),
): { time: SimTime; groups: GroupCoordinator } {
  const groups = new GroupCoordinator(
    { clock: time, timers: time, random: new SimRandom(1) },
    { ...settings, ...changes },
  )
  return { time, groups }
}

function joining(changes: Partial<JoinRequest> = {}): JoinRequest {
  return {
    memberId: '',
    instanceId: null,
    clientId: 'c',
    host: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 5000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('m') }],
    idRequired: false,
    canSkipAssignment: false,
    ...changes,
  }
}

/** The leader assigns its own id to everybody, so that the test sees whose assignment arrived. */
function sync(groups: GroupCoordinator, join: JoinAnswer, changes: { instanceId?: string } = {}): Promise<SyncAnswer> {
  return groups.sync('g', {
    memberId: join.memberId,
    instanceId: changes.instanceId ?? null,
    generationId: join.generationId,
    protocolType: null,
    protocolName: null,
    assignments: join.members.map(({ memberId }) => ({ memberId, assignment: Buffer.from(memberId) })),
  })
}

async function pair(groups: GroupCoordinator): Promise<[JoinAnswer, JoinAnswer]> {
  const first = await groups.join('g', joining())
  const second = groups.join('g', joining())
  assert.equal(groups.heartbeat('g', first.memberId, null, first.generationId), code.rebalanceInProgress)
  const again = await groups.join('g', joining({ memberId: first.memberId }))
  return [again, await second]
}

test('one member leads alone; the second makes the first join again, and each gets its own assignment', async () => {
  const { groups } = coordinator()
  const [first, second] = await pair(groups)
  assert.equal(first.generationId, 2)
  assert.equal(first.leader, first.memberId)
  assert.equal(first.members.length, 2)
  assert.equal(second.leader, first.memberId)
  assert.deepEqual(second.members, [])
  const waiting = sync(groups, second)
  assert.equal((await sync(groups, first)).assignment.toString(), first.memberId)
  assert.equal((await waiting).assignment.toString(), second.memberId)
  assert.equal(groups.describe('g')?.state, 'Stable')
  assert.equal(groups.heartbeat('g', second.memberId, null, 2), code.none)
  assert.equal(groups.heartbeat('g', second.memberId, null, 1), code.illegalGeneration)
  assert.equal(groups.heartbeat('g', 'stranger', null, 2), code.unknownMemberId)
})

test('KIP-394: a new member is told its id first, and joins with it', async () => {
  const { groups, time } = coordinator()
  const refused = await groups.join('g', joining({ idRequired: true }))
  assert.equal(refused.errorCode, code.memberIdRequired)
  const joined = await groups.join('g', joining({ idRequired: true, memberId: refused.memberId }))
  assert.equal(joined.errorCode, code.none)
  assert.equal(joined.memberId, refused.memberId)
  await groups.join('h', joining({ idRequired: true }))
  assert.equal(groups.list().length, 2)
  await time.advance(10_001)
  assert.deepEqual(groups.list(), [], 'who never came back, and who fell silent, is forgotten')
})

test('a silent member is thrown out, and the others are told to join again', async () => {
  const { groups, time } = coordinator()
  const [first, second] = await pair(groups)
  const waiting = sync(groups, second)
  await sync(groups, first)
  await waiting
  for (let i = 0; i < 3; i++) {
    await time.advance(4000)
    groups.heartbeat('g', first.memberId, null, 2)
  }
  assert.equal(groups.heartbeat('g', second.memberId, null, 2), code.unknownMemberId)
  assert.equal(groups.heartbeat('g', first.memberId, null, 2), code.rebalanceInProgress)
})

test('who does not join again in time is out of the next generation', async () => {
  const { groups, time } = coordinator()
  const first = await groups.join('g', joining())
  const second = groups.join('g', joining())
  await time.advance(5001)
  const answer = await second
  assert.equal(answer.leader, answer.memberId)
  assert.equal(groups.heartbeat('g', first.memberId, null, 1), code.unknownMemberId)
})

test('a follower that joins again unchanged is not a reason to rebalance, a leader is', async () => {
  const { groups } = coordinator()
  const [first, second] = await pair(groups)
  const waiting = sync(groups, second)
  await sync(groups, first)
  await waiting
  const again = await groups.join('g', joining({ memberId: second.memberId }))
  assert.equal(again.generationId, 2)
  assert.equal(groups.describe('g')?.state, 'Stable')
  void groups.join('g', joining({ memberId: first.memberId }))
  assert.equal(groups.describe('g')?.state, 'PreparingRebalance')
})

test('members must share a protocol; the one most of them like best is taken', async () => {
  const { groups } = coordinator()
  const range = { name: 'range', metadata: Buffer.from('r') }
  const sticky = { name: 'sticky', metadata: Buffer.from('s') }
  const first = await groups.join('g', joining({ protocols: [range, sticky] }))
  const other = await groups.join('g', joining({ protocols: [{ name: 'own', metadata: Buffer.alloc(0) }] }))
  assert.equal(other.errorCode, code.inconsistentGroupProtocol)
  const others = [sticky, sticky].map(() => groups.join('g', joining({ protocols: [sticky, range] })))
  const again = await groups.join('g', joining({ memberId: first.memberId, protocols: [range, sticky] }))
  assert.equal(again.protocolName, 'sticky')
  assert.deepEqual(
    again.members.map((one) => one.metadata.toString()),
    ['s', 's', 's'],
  )
  await Promise.all(others)
})

test('KIP-345: a static member comes back under a new id without a rebalance; the old id is fenced', async () => {
  const { groups } = coordinator()
  const first = await groups.join('g', joining({ instanceId: 'a' }))
  await sync(groups, first, { instanceId: 'a' })
  const back = await groups.join('g', joining({ instanceId: 'a', canSkipAssignment: true }))
  assert.equal(back.errorCode, code.none)
  assert.equal(back.generationId, first.generationId)
  assert.notEqual(back.memberId, first.memberId)
  assert.equal(back.skipAssignment, true)
  assert.equal(groups.heartbeat('g', first.memberId, 'a', 1), code.fencedInstanceId)
  assert.equal((await sync(groups, back, { instanceId: 'a' })).assignment.toString(), first.memberId)
  assert.equal(groups.leave('g', '', 'a'), code.none)
  assert.equal(groups.hasMembers('g'), false)
})

test('KIP-345: the metadata of a static member that comes back may differ, as long as all share out in the same way', async () => {
  const { groups } = coordinator()
  const as = (instanceId: string, text: string, more: Partial<JoinRequest> = {}) =>
    groups.join('g', joining({ instanceId, protocols: [{ name: 'range', metadata: Buffer.from(text) }], ...more }))
  const first = await as('a', 'generation -1')
  const second = as('b', 'generation -1')
  const again = await as('a', 'generation 1', { memberId: first.memberId })
  const other = await second
  const synced = sync(groups, other, { instanceId: 'b' })
  await sync(groups, again, { instanceId: 'a' })
  await synced
  const back = await as('b', 'generation -1, and other topics')
  assert.deepEqual([back.errorCode, back.generationId], [code.none, again.generationId])
  assert.equal(groups.heartbeat('g', again.memberId, 'a', again.generationId), code.none)
})

test('many names of protocols take no time, and no more than clients have are taken', async () => {
  const { groups } = coordinator()
  const named = (count: number, first: string) =>
    Array.from({ length: count }, (_, i) => ({ name: `${first}${i}`, metadata: Buffer.alloc(0) }))
  const refused = await groups.join('g', joining({ protocols: named(100_000, 'p') }))
  assert.equal(refused.errorCode, code.invalidRequest)
  assert.equal((await groups.join('g', joining({ protocols: named(100, 'p') }))).errorCode, code.none)
})

test('what all members bring is bounded together, and room again when they leave', async () => {
  const { groups } = coordinator()
  const large = [{ name: 'range', metadata: Buffer.alloc(1024 * 1024 - 10) }]
  const members: JoinAnswer[] = []
  for (let i = 0; i < 100; i++) {
    const joined = await groups.join(`g${i}`, joining({ protocols: large }))
    if (joined.errorCode === code.coordinatorNotAvailable) break
    members.push(joined)
  }
  assert.equal(members.length, 63)
  const again = await groups.join('g0', joining({ memberId: members[0]!.memberId, protocols: large }))
  assert.equal(again.errorCode, code.none, 'it brings nothing that was not there')
  assert.equal(groups.leave('g1', members[1]!.memberId, null), code.none)
  assert.equal((await groups.join('another', joining({ protocols: large }))).errorCode, code.none)
  for (const [i, { memberId }] of members.entries()) groups.leave(`g${i}`, memberId, null)
  groups.stop()
  assert.equal(groups.bytes, 0)
})

test('what is counted for members is what they hold, whatever they did', async () => {
  const { time, groups } = coordinator()
  const [first, second] = await pair(groups)
  const waiting = sync(groups, second)
  await sync(groups, first)
  await waiting
  const pending = await groups.join('g', joining({ idRequired: true }))
  assert.equal(pending.errorCode, code.memberIdRequired)
  const third = groups.join('g', joining({ memberId: pending.memberId, idRequired: true }))
  void groups.join(
    'g',
    joining({ memberId: first.memberId, protocols: [{ name: 'range', metadata: Buffer.alloc(500) }] }),
  )
  await time.advance(5000)
  await third
  assert.ok(groups.bytes > 2 * 1024)
  await time.advance(60_000)
  assert.equal(groups.hasMembers('g'), false)
  assert.equal(groups.bytes, 0)
})

test('who may commit offsets', async () => {
  const { groups } = coordinator()
  assert.equal(groups.commitProblem('g', '', null, -1), code.none, 'a consumer without a group')
  assert.equal(groups.commitProblem('g', 'm', null, 3), code.illegalGeneration, 'a member from before a restart')
  const [first, second] = await pair(groups)
  assert.equal(groups.commitProblem('g', first.memberId, null, 2), code.rebalanceInProgress, 'before the assignment')
  const waiting = sync(groups, second)
  await sync(groups, first)
  await waiting
  assert.equal(groups.commitProblem('g', first.memberId, null, 2), code.none)
  assert.equal(groups.commitProblem('g', first.memberId, null, 1), code.illegalGeneration)
  assert.equal(groups.commitProblem('g', '', null, -1), code.unknownMemberId, 'the group is not empty')
  void groups.join('g', joining())
  assert.equal(groups.commitProblem('g', first.memberId, null, 2), code.none, 'while a rebalance is prepared')
})

test('session timeouts have bounds, and a group needs a name', async () => {
  const { groups } = coordinator()
  assert.equal((await groups.join('g', joining({ sessionTimeoutMs: 999 }))).errorCode, code.invalidSessionTimeout)
  assert.equal((await groups.join('g', joining({ sessionTimeoutMs: 60_001 }))).errorCode, code.invalidSessionTimeout)
  assert.equal((await groups.join('', joining())).errorCode, code.invalidGroupId)
  assert.equal((await groups.join('g', joining({ memberId: 'old' }))).errorCode, code.unknownMemberId)
})

test('the first member waits for more when the broker is told to', async () => {
  const { groups, time } = coordinator({ groupInitialRebalanceDelayMs: 3000 })
  const first = groups.join('g', joining())
  await time.advance(1000)
  const second = groups.join('g', joining())
  await time.advance(2001)
  assert.equal((await first).generationId, 1)
  assert.equal((await first).members.length, 2)
  await second
})

test('a leader that goes while others wait for its assignment leads to a new round', async () => {
  const { groups } = coordinator()
  const [first, second] = await pair(groups)
  const waiting = sync(groups, second)
  assert.equal(groups.leave('g', first.memberId, null), code.none)
  assert.equal((await waiting).errorCode, code.rebalanceInProgress)
  const again = await groups.join('g', joining({ memberId: second.memberId }))
  assert.equal(again.leader, second.memberId)
})

test('the generation of a group that was empty, or of before a restart, does not come again', async () => {
  const { time, groups } = coordinator()
  let last = 0
  const rises = ({ generationId }: JoinAnswer): void => {
    assert.ok(generationId > last, `${generationId} after ${last}`)
    last = generationId
  }
  for (let i = 0; i < 3; i++) {
    const joined = await groups.join('g', joining())
    rises(joined)
    groups.leave('g', joined.memberId, null)
  }
  const [joined] = await pair(groups)
  rises(joined)
  await time.advance(60_000)
  const again = coordinator({}, new SimTime(time.now()))
  rises(await again.groups.join('g', joining()))
  assert.equal(again.groups.heartbeat('g', joined.memberId, null, joined.generationId), code.unknownMemberId)
})

test('the first members of a group are waited for whatever its generation', async () => {
  const { groups, time } = coordinator({ groupInitialRebalanceDelayMs: 3000 }, new SimTime(Date.UTC(2030, 0, 1)))
  const joins = []
  for (let i = 0; i < 3; i++) {
    joins.push(groups.join('g', joining()))
    await time.advance(1001)
  }
  const [first] = await Promise.all(joins)
  assert.equal(first?.members.length, 3)
  assert.ok(first.generationId > 1 && first.generationId < 2 ** 31)
})
