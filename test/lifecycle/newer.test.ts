/** What this release cannot read it refuses, in words, and leaves as it is. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { crc32c } from '../../src/base/index.ts'
import { archive, snapshotOfFolder } from '../../src/log/index.ts'
import { NodeDisk } from '../../src/world/node/index.ts'
import { root, run, temporaryFolder } from '../support/index.ts'
import { corpusFolder, releases, unpack } from './corpus.ts'

const free = ['kafka', 'amqp', 'mqtt', 'mqtt-ws', 'http'].flatMap((name) => ['--listen', `${name}=127.0.0.1:0`])
const dragoman = (...args: string[]) =>
  run(process.execPath, ['src/cli/main.ts', ...args], { cwd: root, allowFailure: true })

async function folder(t: TestContext): Promise<string> {
  const data = path.join(temporaryFolder(t), 'data')
  await unpack(path.join(corpusFolder, releases().at(-1)!, 'stopped.tar.xz'), data)
  return data
}

/** The slot that is being written, and its bytes. */
function activeSlot(data: string): { file: string; bytes: Buffer } {
  const journal = path.join(data, 'journal')
  const slots = readdirSync(journal).map((name) => {
    const file = path.join(journal, name)
    return { file, bytes: readFileSync(file) }
  })
  return slots.reduce((one, other) => (other.bytes.readUInt32LE(24) > one.bytes.readUInt32LE(24) ? other : one))
}

function fingerprint(data: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(data, { recursive: true, encoding: 'utf8' }).sort()) {
    if (/\/\d|slot-/.test(name)) hash.update(name).update(readFileSync(path.join(data, name)))
  }
  return hash.digest('hex')
}

test('a folder of a newer release is refused by serve, check and repair, and not touched', async (t) => {
  const data = await folder(t)
  const { file, bytes } = activeSlot(data)
  bytes[4] = 2
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 116)), 116)
  writeFileSync(file, bytes)
  const before = fingerprint(data)
  for (const command of [['serve', ...free], ['check'], ['repair', '--yes']]) {
    const { code, stderr } = await dragoman(...command, '--data', data)
    assert.equal(code, 1)
    assert.match(stderr, /the journal has format 2\.0: a newer release wrote it; start that one, or a newer one/)
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack')
  }
  assert.equal(fingerprint(data), before)
})

test('a backup of a newer release is refused, and nothing of it stays', async (t) => {
  const data = await folder(t)
  const snapshot = (await snapshotOfFolder(new NodeDisk(data)))!
  const { file, bytes } = activeSlot(data)
  bytes[4] = 2
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 116)), 116)
  writeFileSync(file, bytes)
  const copy = path.join(path.dirname(data), 'copy.tar')
  await writeFile(copy, archive(snapshot, { release: '9.0.0', createdAt: 0 }))
  const restored = path.join(path.dirname(data), 'restored')
  const { code, stderr } = await dragoman('restore', copy, '--data', restored)
  assert.deepEqual(
    [code, stderr],
    [1, 'the journal has format 2.0: a newer release wrote it; start that one, or a newer one\n'],
  )
  assert.equal(existsSync(restored), false)
})

test('a damaged header is named with its file; check says what it costs', async (t) => {
  const data = await folder(t)
  const { file, bytes } = activeSlot(data)
  bytes[30]! ^= 4
  writeFileSync(file, bytes)
  const name = path.relative(data, file)
  const { code, stderr } = await dragoman('serve', ...free, '--data', data)
  assert.equal(code, 1)
  assert.match(stderr, new RegExp(`is damaged: ${name} at 0: the header of a segment`))
  assert.match(stderr, /dragoman check --data .*dragoman repair/)
  const check = await dragoman('check', '--data', data)
  assert.equal(check.code, 1)
  assert.match(check.stdout, new RegExp(name))
})
