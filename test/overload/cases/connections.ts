import assert from 'node:assert/strict'
import type { Case, Row, Stage } from '../case.ts'
import { rssMb } from '../process-facts.ts'
import { sleep } from '../scene.ts'

const protocols = ['mqtt', 'amqp', 'kafka']
/** A Kafka client opens one socket to learn of the cluster, one to ask, and one to fetch. */
const socketsEach: Record<string, number> = { kafka: 3 }

/** A storm of connections of all protocols, each doing an ordinary thing; one publish to all; and all gone at once. */
async function storm(stage: Stage): Promise<Row> {
  const count = stage.size(400, 5000)
  const scene = await stage.open({ settings: { LIMITS_CONNECTIONS_MAX: '60000' } })
  await stage.bystander('mqtt')
  await stage.before()
  await scene.declare('kafka', { target: 'fan.all' })
  stage.mark('during')
  const began = performance.now()
  const common = { target: 'fan.all', fan: true, sources: 8, keepalive: 120, ramp: 128 }
  const clients = protocols.map((protocol) => Math.ceil(count / (socketsEach[protocol] ?? 1)))
  const crowds = await Promise.all(
    protocols.map((protocol, i) => scene.consumers(protocol, { ...common, connections: clients[i]! }, 600_000)),
  )
  const stormMs = performance.now() - began
  const counts = crowds.map((crowd) => crowd.reports.find(({ event }) => event === 'ready')!)
  const open = await Promise.all(protocols.map((name) => scene.metric(`dragoman_connections{listener="${name}"}`)))
  await scene.eventually(
    async () => (await scene.metric('dragoman_connections{listener="kafka"}')) >= count,
    'Kafka clients that ask for records',
    60_000,
  )
  await sleep(2000)
  const eachKb = ((scene.memory.nowMb - scene.memory.idleMb) * 1024) / (count * 3)
  const fanned = performance.now()
  const publisher = await scene.publishers('mqtt', { target: 'fan.all', count: 5, window: 1, size: 1000 })
  await publisher.wait('done')
  const got = (): number[] => crowds.map((crowd) => crowd.last?.messages ?? 0)
  await scene.eventually(
    () => got().every((messages, i) => messages >= 5 * clients[i]!),
    `5 messages for each of ${clients.join(', ')}`,
    60_000,
  )
  const fanMs = performance.now() - fanned
  await sleep(1000)
  assert.deepEqual(
    got(),
    clients.map((each) => 5 * each),
  )
  for (const crowd of crowds) crowd.tell('drop')
  const left = performance.now()
  const gone = async (): Promise<boolean> => {
    const all = await Promise.all(protocols.map((name) => scene.metric(`dragoman_connections{listener="${name}"}`)))
    return all.reduce((sum, open_) => sum + open_, 0) <= 4
  }
  await scene.eventually(gone, 'all connections are gone', 60_000)
  const goneMs = performance.now() - left
  await stage.after()
  await sleep(stage.size(2000, 20_000))
  const afterMb = rssMb(scene.pid)
  assert.deepEqual(
    counts.map(({ connections, failures }) => [connections, failures]),
    clients.map((each) => [each, 0]),
    counts.flatMap(({ errors }) => errors ?? []).join('; '),
  )
  stage.checkMemory(64, (count * 3 * 40) / 1024)
  stage.checkBystanders(0.3, 20_000)
  return {
    asked: `${count} connections each of MQTT, AMQP and Kafka (${open.join(', ')} sockets), connected in ${(stormMs / 1000).toFixed(1)} s`,
    more: `${eachKb.toFixed(1)} KB of RSS for each; 5 publishes to all ${clients.join(', ')} clients took ${fanMs.toFixed(0)} ms`,
    recovery: `all gone in ${(goneMs / 1000).toFixed(1)} s, ${afterMb.toFixed(0)} MB then`,
  }
}

export const connectionCases: readonly Case[] = [{ name: 'connections', run: storm }]
