import assert from 'node:assert/strict'
import { Client, ok, records } from '../testing/stage.ts'
import { onBoth } from '../testing/both.ts'

/** Takes no message that says so. */
class Choosy extends Client {
  override deliver(deliveries: Parameters<Client['deliver']>[0]): void {
    super.deliver(deliveries)
    if (this.values().includes('poison')) throw new Error('that cannot be said')
  }
}

onBoth('a receiver that throws loses its session; what it had goes to others, who lose nothing', async (open) => {
  const stand = await open()
  const failures: unknown[] = []
  stand.receiverFailed = (error, client) => failures.push((error as Error).message, client?.address)
  const [log, queue] = await stand.queue('q')
  const [wills] = await stand.queue('wills')
  await stand.route('will', wills)
  const choosy = new Choosy()
  const to = [{ space: stand.shared, levels: ['will'] }]
  const opened = ok(
    await stand.wait(
      stand.broker.open(
        {
          namespace: stand.namespace,
          user: 'me',
          name: 'choosy',
          keepMs: 60_000,
          client: { protocol: 'p', address: 'here' },
          wills: [{ publish: { op: 'publish', to, ...records('gone') }, delayMs: 0 }],
        },
        choosy,
      ),
    ),
  )
  await stand.attach(Object.assign(choosy, opened), queue)
  const live = await stand.client()
  await stand.route('t', { session: live.session }, { owner: live.session })
  const publisher = await stand.client()
  await Promise.all([stand.append(publisher, log, 'poison'), stand.publish(publisher, 't', 'for the other')])
  await stand.settle()
  assert.deepEqual(failures, ['that cannot be said', 'here'])
  assert.deepEqual(choosy.notices, [{ notice: 'fenced' }])
  assert.deepEqual(live.values(), ['for the other'])
  assert.deepEqual(await stand.readAll(wills), ['gone'])
  await stand.attach(live, queue)
  assert.deepEqual(live.values(), ['poison'])
  await stand.append(publisher, log, 'more')
  await stand.settle()
  assert.deepEqual(live.values(), ['more'])
})
