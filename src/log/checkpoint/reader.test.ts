import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c, Writer } from '../../base/index.ts'
import { MemoryDisk } from '../../world/index.ts'
import { Damaged } from '../damaged.ts'
import { checkpointPath, owner, writeFooter, writeRecord } from './format.ts'
import { eachRecord, footerOf } from './reader.ts'

const footer = {
  version: 2,
  number: 1,
  journalId: Buffer.alloc(16, 1),
  bases: [],
  records: 1,
  bytes: 0,
  fullBytes: 0,
  beginCommit: 1,
  endCommit: 1,
  beginFrame: 1,
  chain: Buffer.alloc(16, 2),
  scanSegment: 1,
}

async function written(change: (bytes: Buffer) => Buffer): Promise<MemoryDisk> {
  const out = new Writer(256)
  writeRecord(out, owner.machine, 1, 0, 1, Buffer.from('state'))
  writeFooter(out, footer, out.length)
  const disk = new MemoryDisk()
  const file = await disk.open(checkpointPath(1), 'create')
  await file.write(change(out.finish()), 0)
  await file.close()
  return disk
}

test('a footer is read back', async () => {
  assert.deepEqual(await footerOf(await written((bytes) => bytes), 1), footer)
})

test('whatever bytes the tail and the footer have, a file that is none is damaged: an older one does instead', async () => {
  const tailAt = 16
  for (let at = 1; at <= tailAt; at++) {
    const disk = await written((bytes) => {
      bytes[bytes.length - at] = 0xff
      return bytes
    })
    await assert.rejects(footerOf(disk, 1), Damaged, `byte ${at} from the end`)
  }
})

test('zeros are no record', async () => {
  const disk = await written((bytes) => Buffer.concat([Buffer.alloc(64), bytes.subarray(64)]))
  await assert.rejects(
    eachRecord(disk, 1, () => undefined),
    /a record fails its check/,
  )
})

test('a record with a good checksum and no sense is damage', async () => {
  const disk = await written((bytes) => {
    const out = new Writer(64)
    const at = out.reserve(8)
    out.u8(owner.machine)
    out.u8(0x80)
    const body = out.buffer.subarray(8, out.length)
    out.buffer.writeUInt32LE(body.length, at)
    out.buffer.writeUInt32LE(crc32c(body), at + 4)
    return Buffer.concat([out.finish(), bytes])
  })
  await assert.rejects(
    eachRecord(disk, 1, () => undefined),
    Damaged,
  )
})
