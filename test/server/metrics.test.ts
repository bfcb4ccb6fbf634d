import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stand } from '../../src/core/testing/stage.ts'
import { metricsText } from '../../src/admin/metrics.ts'
import type { AdminOptions } from '../../src/admin/types.ts'

function metricsOf(stand: Stand): string {
  const memory = { arriving: 0, unanswered: 0, unsent: 0, bytesMax: 0 }
  const server = { bound: () => [], metrics: () => ({ listeners: {}, protocols: {}, memory }) }
  const store = () => ({ health: { state: 'ok' } as const, metrics: () => stand.current.metrics() })
  return metricsText({ broker: stand.broker, server, store } as unknown as AdminOptions)
}

const numberOf = (text: string, name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)![1])

test('queues and groups are shown before the logs of thousands of sessions', async () => {
  const stand = await Stand.open()
  const client = await stand.client()
  for (let n = 0; n < 2100; n++) {
    await stand.queue(`$session.device-${n}`, {}, { lifetime: { owner: client.session } })
  }
  await stand.queue('orders')
  const log = await stand.log('events')
  await stand.define({ kind: 'subscription', log, name: 'readers', mode: 'positional' })
  const text = metricsOf(stand)
  assert.match(text, /^dragoman_queue_ready\{[^}]*log="orders"[^}]*\} 0$/m)
  assert.match(text, /^dragoman_group_lag\{[^}]*log="events"[^}]*\} 0$/m)
  const shown = [...text.matchAll(/^dragoman_(queue_ready|group_lag)\{/gm)].length
  assert.equal(shown, 2000)
  assert.equal(numberOf(text, 'dragoman_subscriptions_not_shown'), numberOf(text, 'dragoman_subscriptions') - shown)
})
