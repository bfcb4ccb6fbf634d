/**
 * The real process is killed with SIGKILL again and again under clients of all protocols, which live through it. Nothing
 * acknowledged may be missing, order is kept, and what is sent exactly once comes once.
 */
import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { SimRandom } from '../../src/world/sim/random.ts'
import { eventually, root, run, temporaryFolder, toolchain } from '../support/index.ts'
import { Campaign } from './campaign.ts'
import { ackQueue, AmqpLoad, txQueue } from './loads/amqp.ts'
import { KafkaLoad } from './loads/kafka.ts'
import type { Counts, Load } from './loads/load.ts'
import { MqttLoad } from './loads/mqtt.ts'
import { ProgramLoad, txName } from './loads/program.ts'
import { stablePorts, Victim } from './victim.ts'

const kills = Number(process.env['TEST_KILLS'] ?? 50)
const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 1_000_000)
const go = await toolchain.go('crash', path.join(root, 'test/crash/clients'))

test(`kill -9, ${kills} times in a row`, { timeout: 120_000 + kills * 10_000 }, async (t) => {
  if (go.missing !== false) t.diagnostic(`without idempotent Kafka, groups and AMQP transactions: ${go.missing}`)
  await run(process.execPath, ['scripts/build.mjs', '--bundle-only'], { cwd: root })
  const random = new SimRandom(seed)
  const chance = (): number => random.below(1_000_000) / 1_000_000
  const ports = await stablePorts(Math.random)
  const loads: Load[] = []
  const victims: Victim[] = []
  const data = temporaryFolder(t, async () => {
    await Promise.allSettled(loads.map((load) => load.close()))
    await Promise.all(victims.map((victim) => victim.end()))
  })
  const victim = new Victim(data, ports)
  victims.push(victim)
  const program = new ProgramLoad(go)
  const amqp = new AmqpLoad(go.missing === false ? [ackQueue, txQueue] : [ackQueue])
  loads.push(new KafkaLoad(), amqp, new MqttLoad(1), new MqttLoad(2))
  if (go.missing === false) loads.push(program)
  t.diagnostic(`seed ${seed}`)

  const campaign = new Campaign(victim, chance)
  await campaign.begin(loads, ports)
  const result = await campaign.kills(kills)
  await campaign.settle(loads, 60_000)
  if (go.missing === false)
    await eventually(() => program.of(txName)!.seen >= amqp.sent, `${txQueue} is consumed to its end`, 30_000)
  t.diagnostic(
    `${result.kills} kills, ${result.whileStarting} of them while it started; the longest start took ${result.startMsMax.toFixed(0)} ms`,
  )
  for (const { name, counts } of lines(loads)) {
    t.diagnostic(
      `${name}: ${counts.acked} acked, ${counts.seen} seen, 0 lost, ${counts.duplicates} duplicates` +
        (counts.confirmed > 0
          ? `, ${counts.confirmed} settled for good, ${counts.redelivered} delivered again before that`
          : ''),
    )
    assert.ok(counts.acked + counts.seen > kills * 5, `${name} has hardly done anything`)
  }
  await Promise.all(loads.map((load) => load.close()))
  const { code, stderr } = await victim.stop()
  assert.equal(code, 0, stderr)
  const check = await run(process.execPath, ['dist/bin.js', 'check', '--data', data], { cwd: root, timeoutMs: 60_000 })
  assert.equal(check.code, 0)
})

function lines(loads: readonly Load[]): { name: string; counts: Counts }[] {
  return loads.flatMap((load) =>
    load.counts().map((counts) => ({ name: (counts as Counts & { name?: string }).name ?? load.name, counts })),
  )
}
