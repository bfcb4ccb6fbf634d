import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpResult, Receiver } from '../../core/index.ts'
import type { Peer } from '../../server/index.ts'
import { finishTurn } from './answer.ts'
import { Client, type Owner } from './client.ts'
import type { Hub } from './hub.ts'
import { acknowledge } from './operations/acknowledge.ts'
import { PacketType, Reason, type PacketHandler } from './wire/index.ts'
import { connectBytes } from './wire/testing/index.ts'

interface Stand {
  client: Client
  sent: string[]
  closed: () => boolean
  settle: () => Promise<void>
}

/** A client of 3.1.1, as long as no CONNECT has said otherwise; and what it is sent. */
function stand(saved: OpResult = { ok: { op: 'save' } }): Stand {
  const sent: string[] = []
  let closed = false
  let settle!: (settled: object) => void
  const settled = new Promise<object>((resolve) => (settle = resolve))
  const peer = {
    write: (bytes: Uint8Array) => sent.push(Buffer.from(bytes).toString('hex')) > 0,
    close: () => (closed = true),
    underWay: () => undefined,
  }
  const hub = {
    cut: { bytes: 0, bytesMax: Infinity },
    broker: { settled: () => settled, commit: () => settled.then(() => [saved]) },
  }
  const handler = { leave: () => undefined, packet: () => undefined } as unknown as PacketHandler & Receiver & Owner
  const client = new Client(hub as unknown as Hub, peer as unknown as Peer, handler, 1000)
  client.phase = 'open'
  const settleNow = async (): Promise<void> => {
    settle({ ok: {} })
    await settled
    await new Promise(setImmediate)
  }
  return { client, sent, closed: () => closed, settle: settleNow }
}

test('PUBREL of an identifier that is known no more: MQTT 3.1.1 gets its PUBCOMP, too, and stays connected', () => {
  const { client, sent, closed } = stand()
  acknowledge(client, PacketType.pubrel, 7, Reason.success)
  finishTurn(client)
  assert.deepEqual(sent, ['70020007'])
  assert.equal(closed(), false)
})

test('a message that was refused is not answered to MQTT 3.1.1: the connection ends, and it comes again', () => {
  for (const type of [PacketType.puback, PacketType.pubrec]) {
    const { client, sent, closed } = stand()
    client.turn.owe(type, 7, -1, Reason.quotaExceeded)
    finishTurn(client)
    assert.deepEqual(sent, [])
    assert.equal(closed(), true)
  }
})

test('a QoS 2 message that comes again while it is being made durable gets its PUBREC when it is', async () => {
  const { client, sent, settle } = stand()
  client.pendingCommits = 1
  client.turn.owe(PacketType.pubrec, 7)
  finishTurn(client)
  assert.deepEqual(sent, [])
  await settle()
  assert.deepEqual(sent, ['50020007'])
})

test('PUBCOMP goes out when forgetting the identifier is durable, also to who asks again', async () => {
  const { client, sent, settle } = stand()
  client.keepMs = 1
  client.received.add(7, 0)
  acknowledge(client, PacketType.pubrel, 7, Reason.success)
  finishTurn(client)
  acknowledge(client, PacketType.pubrel, 7, Reason.success)
  finishTurn(client)
  assert.deepEqual(sent, [])
  await settle()
  assert.deepEqual(sent, ['70020007', '70020007'])
})

test('without PUBCOMP the connection ends when the identifier could not be forgotten', async () => {
  const { client, sent, closed, settle } = stand({ error: 'unavailable', detail: 'the disk is gone' })
  client.keepMs = 1
  client.received.add(7, 0)
  acknowledge(client, PacketType.pubrel, 7, Reason.success)
  finishTurn(client)
  await settle()
  assert.deepEqual(sent, [])
  assert.equal(closed(), true)
})

test('who is sent away before CONNACK for what passes is not refused, which some take for good', () => {
  for (const version of [4, 5] as const) {
    for (const reason of [Reason.sessionTakenOver, Reason.serverShuttingDown]) {
      const { client, sent, closed } = stand()
      client.parser.receive(connectBytes(version))
      client.phase = 'opening'
      client.end(reason, 'stopping')
      assert.deepEqual(sent, [])
      assert.equal(closed(), true)
    }
  }
})
