import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Op, OpResult } from '../../core/index.ts'
import type { Peer, ProtocolContext } from '../../server/index.ts'
import { Channel } from './channel.ts'
import { Link } from './link.ts'
import { Publisher } from './publisher.ts'

/** A core that commits what a test lets it, over a peer that counts frames. */
function setUp() {
  const commits: { ops: readonly Op[]; soft: boolean; done: (results: OpResult[]) => void }[] = []
  const sent: number[] = []
  const peer = {
    write: (bytes: Uint8Array) => sent.push(Buffer.from(bytes).readUInt16BE(9)) > 0,
    underWay: () => undefined,
    arriving: () => undefined,
  }
  const broker = {
    commit: (ops: readonly Op[], { soft }: { soft: boolean }) =>
      new Promise<OpResult[]>((done) => void commits.push({ ops, soft, done })),
  }
  const context = { broker, config: {}, clock: { now: () => 1, wall: () => 1 }, metrics: { messagesIn: 0 } }
  const link = new Link(peer as unknown as Peer, context as unknown as ProtocolContext)
  const channel = new Channel(1, link)
  channel.nextPublish = 1
  const publisher = new Publisher(link, (_, error) => assert.fail(String(error)))
  return { commits, sent, channel, publisher }
}

const args = { exchange: 'x', routingKey: 'k', mandatory: false, immediate: false }
const route = { channel: 1, args, space: 5, alone: false, delayed: false }
const facts = {
  properties: {},
  envelope: null,
  key: null,
  timestamp: undefined,
  priority: undefined,
  timeToLiveMs: undefined,
  delayMs: undefined,
  copies: [],
}
const range = (offset: number) => ({
  subscription: 7,
  partition: 0,
  first: offset,
  last: offset,
  attempt: 1,
  consumer: null,
})

test('a publish does not wait for the dead letters that were rejected beside it', async () => {
  const { commits, sent, channel, publisher } = setUp()
  publisher.settled(range(0), { do: 'reject', reason: 'rejected' })
  publisher.settled(range(1), { do: 'done' })
  publisher.add(channel, route, facts, Buffer.from('body'))
  publisher.settled(range(2), { do: 'release' })
  publisher.flush()
  const kinds = commits.map(({ ops }) => ops.map((op) => (op.op === 'settle' ? op.as.do : op.op)))
  assert.deepEqual(kinds, [
    ['reject', 'release'],
    ['done', 'publish'],
  ])
  commits[1]!.done([{ ok: { op: 'settle', done: 1, stale: 0 } }, { error: 'full', detail: 'the disk is full' }])
  await new Promise((resolve) => setTimeout(resolve, 1))
  assert.deepEqual(sent, [120], 'basic.nack, while the dead letters wait')
})

test('in a transaction all is one commit, and where nobody waits for an answer, too', () => {
  const { commits, channel, publisher } = setUp()
  publisher.settled(range(0), { do: 'reject', reason: 'rejected' })
  publisher.settled(range(1), { do: 'done' })
  publisher.flush()
  publisher.settled(range(2), { do: 'reject', reason: 'rejected' })
  publisher.add(channel, route, facts, Buffer.from('body'))
  void publisher.commit(true)
  assert.deepEqual(
    commits.map(({ ops, soft }) => [ops.length, soft]),
    [
      [2, true],
      [2, false],
    ],
  )
})
