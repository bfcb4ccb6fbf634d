import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toolchain } from '../../support/index.ts'
import { startKafka } from './support.ts'

const kcat = await toolchain.command('kcat')
const lines = (count: number): string => Array.from({ length: count }, (_, i) => `line ${i}\n`).join('')

for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
  test(`kcat (librdkafka) produces and consumes with ${codec}`, { skip: kcat.missing }, async (t) => {
    const address = await startKafka(t)
    await kcat.run(['-b', address, '-P', '-t', 'lines', '-z', codec, '-H', 'a=b', '-k', 'key'], { input: lines(500) })
    const format = ['-f', '%o %k %h %s\n']
    const { stdout } = await kcat.run(['-b', address, '-C', '-t', 'lines', '-o', 'beginning', '-e', '-q', ...format])
    const wanted = Array.from({ length: 500 }, (_, i) => `${i} key a=b line ${i}\n`).join('')
    assert.equal(stdout, wanted)
  })
}

test('kcat lists brokers, topics and partitions', { skip: kcat.missing }, async (t) => {
  const address = await startKafka(t, { partitions: 4 })
  await kcat.run(['-b', address, '-P', '-t', 'four'], { input: 'x\n' })
  const { stdout } = await kcat.run(['-b', address, '-L'])
  assert.match(stdout, /1 brokers:/)
  assert.match(stdout, /topic "four" with 4 partitions:/)
})

test('kcat reads from an offset, from the end and from a time', { skip: kcat.missing }, async (t) => {
  const address = await startKafka(t)
  await kcat.run(['-b', address, '-P', '-t', 'lines'], { input: lines(10) })
  const read = async (...offset: string[]): Promise<string> => {
    return (await kcat.run(['-b', address, '-C', '-t', 'lines', '-p', '0', '-e', '-q', ...offset])).stdout
  }
  assert.equal(await read('-o', '8'), 'line 8\nline 9\n')
  assert.equal(await read('-o', '-1'), 'line 9\n')
  assert.equal(await read('-o', 's@1000'), lines(10))
})

test('kcat as a balanced consumer commits and goes on where it was', { skip: kcat.missing }, async (t) => {
  const address = await startKafka(t)
  const group = ['-b', address, '-q', '-X', 'auto.offset.reset=earliest', '-G', 'g', 'lines']
  await kcat.run(['-b', address, '-P', '-t', 'lines'], { input: 'a\nb\n' })
  assert.equal((await kcat.run(['-c', '2', ...group])).stdout, 'a\nb\n')
  await kcat.run(['-b', address, '-P', '-t', 'lines'], { input: 'c\n' })
  assert.equal((await kcat.run(['-c', '1', ...group])).stdout, 'c\n')
})

test('kcat produces idempotently', { skip: kcat.missing }, async (t) => {
  const address = await startKafka(t)
  await kcat.run(['-b', address, '-P', '-t', 'lines', '-X', 'enable.idempotence=true'], { input: lines(2000) })
  const { stdout } = await kcat.run(['-b', address, '-C', '-t', 'lines', '-o', 'beginning', '-e', '-q'])
  assert.equal(stdout, lines(2000))
})

test('a transactional producer is refused at once', { skip: kcat.missing }, async (t) => {
  const address = await startKafka(t)
  const args = ['-b', address, '-P', '-t', 'lines', '-X', 'transactional.id=tx', '-m', '20']
  const startedAt = Date.now()
  const { code, stderr } = await kcat.run(args, { input: 'x\n', allowFailure: true })
  assert.notEqual(code, 0)
  assert.match(stderr, /[Tt]ransactional/)
  assert.ok(Date.now() - startedAt < 10_000)
})
