/**
 * `npx node test/lifecycle/make-corpus.ts NAME`: writes test/lifecycle/corpus/NAME from this release, to be committed:
 * one data folder after a clean stop and one after a crash, packed, and what clients see in them. Do this whenever a
 * stored format changes, before the release that changes it.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { eventually, root, spawnTestBroker, temporaryFolder } from '../support/index.ts'
import { corpusFlags, corpusFolder, pack, shortMs, unpack, type Expected } from './corpus.ts'
import { fill, fillSegments, fillSparsely, lease } from './content/fill.ts'
import { queues, topics } from './content/names.ts'
import { readAll, type Content } from './content/read.ts'

const name = process.argv[2] ?? process.env['CORPUS'] ?? ''
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test(`the corpus ${name}`, { timeout: 600_000 }, async (t) => {
  assert.match(name, /^[\w.-]+$/, 'give the folder a name')
  const folder = path.join(corpusFolder, name)
  mkdirSync(folder, { recursive: true })
  const madeBy = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  const expected: Expected = { madeBy, folders: {} }
  for (const ending of ['stopped', 'killed'] as const) expected.folders[ending] = await make(t, folder, ending)
  writeFileSync(path.join(folder, 'expected.json'), `${JSON.stringify(expected, null, 1)}\n`)
})

async function make(t: TestContext, folder: string, ending: 'stopped' | 'killed'): Promise<Content> {
  const broker = await spawnTestBroker(t, { flags: corpusFlags })
  await fillSegments(broker, 0, 20)
  await fillSparsely(broker)
  await settled(broker.data)
  await fill(broker)
  await fillSegments(broker, 20, 300)
  await lease(broker, 3)
  if (ending === 'stopped') await broker.process.stop('SIGTERM')
  else await killedWhileWriting(broker)
  const file = path.join(folder, `${ending}.tar.xz`)
  await pack(broker.data, file)
  await sleep(shortMs)
  const data = path.join(temporaryFolder(t), 'copy')
  await unpack(file, data)
  const reader = await spawnTestBroker(t, { data, flags: corpusFlags })
  const content = await readAll(reader)
  plausible(content)
  await reader.process.stop('SIGTERM')
  return content
}

async function killedWhileWriting(broker: Awaited<ReturnType<typeof spawnTestBroker>>): Promise<void> {
  const more = fillSegments(broker, 320, 1000).catch(() => undefined)
  await sleep(700)
  await broker.kill()
  await Promise.race([more, sleep(1000)])
}

/** Waits until the cleaner has written a span. */
async function settled(data: string): Promise<void> {
  const spans = (): string[] => readdirSync(path.join(data, 'spans')).filter((file) => !file.endsWith('.part'))
  await eventually(() => spans().length > 0, 'a settled span', 180_000)
}

/** Of what was sent nothing is missing: the reader must not write down what is wrong. */
function plausible(content: Content): void {
  assert.deepEqual(
    Object.values(content.topics[topics.orders]!).map((records) => records.length),
    [15, 15],
  )
  const count = (queue: string): number => content.queues[queue]!.length
  assert.deepEqual(
    [
      queues.plain,
      queues.sparse,
      queues.leased,
      queues.rejecting,
      queues.expiring,
      queues.dead,
      queues.later,
      queues.priority,
    ].map(count),
    [14, 8, 8, 3, 0, 7, 3, 6],
  )
  assert.deepEqual([content.session.length, content.retained.length, content.routed], [10, 2, true])
}
