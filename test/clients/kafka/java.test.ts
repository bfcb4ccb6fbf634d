import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { toolchain } from '../../support/index.ts'
import { startKafka } from './support.ts'

const java = await toolchain.java()
const program = fileURLToPath(new URL('./RoundTrip.java', import.meta.url))
const groups = fileURLToPath(new URL('./Groups.java', import.meta.url))
const { javaConsole } = toolchain
const slow = { timeoutMs: 60_000 }

test('the Java console producer and consumer', { skip: java.missing }, async (t) => {
  const address = await startKafka(t)
  const to = ['--bootstrap-server', address, '--topic', 'console']
  await java.run([javaConsole.producer, ...to], { input: 'one\ntwo\nthree\n', ...slow })
  const from = [...to, '--from-beginning', '--max-messages', '3', '--group', 'console-group']
  const { stdout } = await java.run([javaConsole.consumer, ...from], slow)
  assert.equal(stdout, 'one\ntwo\nthree\n')
})

test('the Java topic and group tools', { skip: java.missing }, async (t) => {
  const address = await startKafka(t)
  const tool = ['--bootstrap-server', address]
  await java.run([javaConsole.topics, ...tool, '--create', '--topic', 'made', '--partitions', '3'], slow)
  const described = await java.run([javaConsole.topics, ...tool, '--describe', '--topic', 'made'], slow)
  assert.match(described.stdout, /PartitionCount: 3/)
  const groups = await java.run([javaConsole.groups, ...tool, '--list'], slow)
  assert.equal(groups.stdout.trim(), '')
  await java.run([javaConsole.topics, ...tool, '--delete', '--topic', 'made'], slow)
})

for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
  test(
    `a Java program: idempotent producer, group, commit, seek by time (${codec})`,
    { skip: java.missing },
    async (t) => {
      const address = await startKafka(t, { groupInitialRebalanceDelayMs: codec === 'none' ? 0 : 100 })
      const { stdout } = await java.run([program, address, codec], slow)
      assert.match(stdout, /^all well$/m)
    },
  )
}

for (const [assignor, membership] of [
  ['RangeAssignor', 'dynamic'],
  ['CooperativeStickyAssignor', 'dynamic'],
  ['CooperativeStickyAssignor', 'static'],
] as const) {
  test(`a Java program: two members, ${assignor}, ${membership}`, { skip: java.missing }, async (t) => {
    const address = await startKafka(t)
    const args = [groups, address, `org.apache.kafka.clients.consumer.${assignor}`, membership]
    const { stdout } = await java.run(args, slow)
    assert.match(stdout, /^all well$/m)
  })
}
