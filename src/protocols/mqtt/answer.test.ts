import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Receiver } from '../../core/index.ts'
import type { Peer } from '../../server/index.ts'
import { finishTurn } from './answer.ts'
import { Client } from './client.ts'
import type { Hub } from './hub.ts'
import { acknowledge } from './operations/acknowledge.ts'
import { PacketType, Reason, type PacketHandler } from './wire/index.ts'

/** A client of 3.1.1, as long as no CONNECT has said otherwise; and what it is sent. */
function stand(): { client: Client; sent: string[]; closed: () => boolean; settle: () => Promise<void> } {
  const sent: string[] = []
  let closed = false
  let settle!: (settled: object) => void
  const settled = new Promise<object>((resolve) => (settle = resolve))
  const peer = {
    write: (bytes: Uint8Array) => sent.push(Buffer.from(bytes).toString('hex')) > 0,
    close: () => (closed = true),
    underWay: () => undefined,
  }
  const hub = { cut: { bytes: 0, bytesMax: Infinity }, broker: { settled: () => settled } }
  const handler = {} as PacketHandler & Receiver
  const client = new Client(hub as unknown as Hub, peer as unknown as Peer, handler, 1000)
  client.phase = 'open'
  const settleNow = async (): Promise<void> => {
    settle({ ok: {} })
    await settled
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
  await Promise.resolve()
  assert.deepEqual(sent, ['50020007'])
})
