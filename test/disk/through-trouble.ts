import assert from 'node:assert/strict'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { eventually, root, run, type SpawnedBroker } from '../support/index.ts'
import { readEverything, startPublishers } from './publishers.ts'

export interface Trouble {
  break(): void | Promise<void>
  mend(): void | Promise<void>
  /** What each protocol must have told its publisher. */
  told: { kafka: RegExp; amqp: RegExp; mqtt: RegExp }
  /** A line of the log. */
  line: RegExp
  /** The answer of `/healthz` while it lasts. */
  health: number
  /** Published by each before the trouble, and after it. */
  messages?: number
}

const logLinesMax = 25

/**
 * Publishers of the three protocols live through the trouble: each is told in its own words, the log says it without a
 * flood, the process stays, service comes back by itself, and everything that was acknowledged is there.
 */
export async function throughTrouble(t: TestContext, broker: SpawnedBroker, trouble: Trouble): Promise<void> {
  const messages = trouble.messages ?? 20
  const { all, stop } = await startPublishers(t, broker)
  const each = (count: number): boolean => all.every(({ acked }) => acked.length >= count)
  await eventually(() => each(messages), 'all publish', 60_000)
  const linesBefore = lines(broker)
  const brokeAt = performance.now()
  await trouble.break()
  for (const publisher of all) {
    const words = trouble.told[publisher.name as keyof Trouble['told']]
    const heard = (): boolean => [...publisher.told.keys()].some((each) => words.test(each))
    await eventually(heard, `${publisher.name} is told`, 60_000).catch((error: unknown) => {
      throw new Error(
        `${(error as Error).message}: it was told ${JSON.stringify([...publisher.told])}\n${broker.process.stderr}`,
      )
    })
  }
  await broker.process.waitFor(trouble.line, 30_000, 'stderr')
  await eventually(async () => (await healthOf(broker)) === trouble.health, `/healthz says ${trouble.health}`, 20_000)
  assert.notEqual(await healthOf(broker, '/readyz'), 200)
  await new Promise((resolve) => setTimeout(resolve, 3000))
  assert.equal(broker.process.child.exitCode, null, 'it stays')

  const taken = all.map(({ acked }) => acked.length)
  const mendedAt = performance.now()
  await trouble.mend()
  await eventually(
    () => all.every(({ acked }, i) => acked.length >= taken[i]! + messages),
    'all publish again, without a restart',
    90_000,
  )
  const backMs = Math.round(performance.now() - mendedAt)
  await stop()
  const said = lines(broker) - linesBefore
  assert.ok(said <= logLinesMax, `${said} lines of log\n${broker.process.stderr}`)
  assert.equal(await healthOf(broker), 200)
  const found = await readEverything(broker)
  const lost = all.flatMap(({ acked }) => acked.filter((text) => !found.has(text)))
  assert.deepEqual(lost, [], 'what was acknowledged is there')
  assert.equal(broker.process.child.exitCode, null, 'the same process all along')
  await broker.process.stop()
  const checked = await run(process.execPath, [path.join(root, 'src/cli/main.ts'), 'check', '--data', broker.data], {
    allowFailure: true,
  })
  assert.equal(checked.code, 0, checked.stdout + checked.stderr)
  const words = all.map(({ name, told }) => `${name}: ${[...told.keys()].join(', ')}`).join('; ')
  const acked = all.reduce((sum, one) => sum + one.acked.length, 0)
  t.diagnostic(
    `${acked} acknowledged, all there; broken for ${Math.round((mendedAt - brokeAt) / 100) / 10} s, ` +
      `back ${backMs} ms after; ${said} lines of log; told ${words}`,
  )
}

const lines = (broker: SpawnedBroker): number => broker.process.stderr.split('\n').length

async function healthOf(broker: SpawnedBroker, probe = '/healthz'): Promise<number> {
  const answer = await fetch(`http://${broker.address('http')}${probe}`)
  await answer.text()
  return answer.status
}
