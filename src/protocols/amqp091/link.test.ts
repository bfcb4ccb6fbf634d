import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Peer, ProtocolContext } from '../../server/index.ts'
import { Link } from './link.ts'

/** A link over a peer that only counts, and a core that only listens. */
function setUp() {
  const calls: string[] = []
  const peer = {
    takes: true,
    write(bytes: Uint8Array) {
      calls.push(Buffer.from(bytes).readUInt16BE(9) === 60 ? 'blocked' : 'unblocked')
      return this.takes
    },
  }
  const broker = { flow: (_session: number, _epoch: number, open: boolean) => void calls.push(open ? 'open' : 'shut') }
  const link = new Link(peer as unknown as Peer, { broker, config: {} } as unknown as ProtocolContext)
  link.capabilities = { ...link.capabilities, connectionBlocked: true }
  link.session = 1
  return { link, peer, calls }
}

test('connection.blocked goes to who publishes: at once, or when it begins to', () => {
  const { link, calls } = setUp()
  link.blocked('slow')
  assert.deepEqual(calls, [], 'it only consumes')
  link.published()
  link.published()
  assert.deepEqual(calls, ['blocked'])
  link.blocked(null)
  link.blocked(null)
  assert.deepEqual(calls, ['blocked', 'unblocked'])
  link.blocked('slow again')
  assert.deepEqual(calls.slice(2), ['blocked'])
})

test('a client that does not take what it is sent is given nothing more until it does', () => {
  const { link, peer, calls } = setUp()
  link.publishes = true
  peer.takes = false
  link.blocked('slow')
  link.blocked(null)
  assert.deepEqual(calls, ['blocked', 'shut', 'unblocked'])
  link.drained()
  assert.deepEqual(calls.slice(3), ['open'])
})
