import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Peer, ProtocolContext } from '../../server/index.ts'
import { limits } from './limits.ts'
import { Link } from './link.ts'
import { Transaction, type HeldPublish } from './transaction.ts'

/** A link whose peer has so much room. */
function setUp(room = Infinity) {
  const peer = {
    kept: 0,
    get room() {
      return room - this.kept
    },
    keeps(bytes: number) {
      this.kept = bytes
    },
  }
  const link = new Link(peer as unknown as Peer, { config: {} } as unknown as ProtocolContext)
  return { link, peer }
}

function held(more: { body?: number; key?: number; copies?: string[]; routingKey?: string } = {}): HeldPublish {
  const { body = 0, key, copies = [], routingKey = 'q' } = more
  const args = { exchange: '', routingKey, mandatory: false, immediate: false }
  return {
    route: { channel: 1, args, space: 0, alone: false, delayed: false },
    facts: {
      properties: { headers: [{ name: 'n', value: { type: 'utf8', value: 'v' } }] },
      envelope: null,
      key: key === undefined ? null : Buffer.alloc(key),
      timestamp: undefined,
      priority: undefined,
      timeToLiveMs: undefined,
      delayMs: undefined,
      copies,
    },
    body: Buffer.alloc(body),
  }
}

function heldUntilRefused(transaction: Transaction, publish: HeldPublish): number {
  for (let n = 0; ; n++) {
    try {
      transaction.publish(publish)
    } catch (error) {
      assert.match(String(error), /transaction/)
      return n
    }
  }
}

test('publishes of nothing, keys, copies and acknowledgements count, too', () => {
  const empty = heldUntilRefused(new Transaction(setUp().link), held())
  assert.ok(empty < 200_000, `${empty} empty ones`)
  assert.ok(heldUntilRefused(new Transaction(setUp().link), held({ key: 100_000 })) < 671)
  assert.ok(heldUntilRefused(new Transaction(setUp().link), held({ copies: ['c'.repeat(100_000)] })) < 671)
  assert.ok(heldUntilRefused(new Transaction(setUp().link), held({ routingKey: 'k'.repeat(250) })) < empty * 0.7)
  const { link, peer } = setUp()
  new Transaction(link).answer({ tag: 1, multiple: false, verdict: { do: 'done' } })
  assert.ok(peer.kept > 0)
})

test('the channels of a connection share one bound, and what has ended is given back', () => {
  const { link, peer } = setUp()
  const [one, other] = [new Transaction(link), new Transaction(link)]
  one.publish(held({ body: limits.transactionBytesMax / 2 }))
  assert.equal(heldUntilRefused(other, held({ body: limits.transactionBytesMax / 2 })), 0)
  assert.ok(peer.kept > limits.transactionBytesMax / 2)
  assert.equal(one.end().publishes.length, 1)
  other.publish(held({ body: limits.transactionBytesMax / 2 }))
  other.end()
  assert.equal(peer.kept, 0)
})

test('there may be less memory than that, which all connections share', () => {
  const { link, peer } = setUp(1000)
  const transaction = new Transaction(link)
  assert.equal(heldUntilRefused(transaction, held({ body: 500 })), 1)
  transaction.end()
  assert.equal(peer.kept, 0)
})
