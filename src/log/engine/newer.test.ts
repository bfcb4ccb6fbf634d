import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { crc32c, Writer } from '../../base/index.ts'
import type { SimDisk } from '../../world/sim/sim-disk.ts'
import { checkData } from '../check/index.ts'
import { readFooter, readTailMark, recordBody, tailBytes, writeFooter } from '../checkpoint/format.ts'
import { frameMagic } from '../frame/index.ts'
import { StoreRefused } from '../refused.ts'
import { commit, newDisk, openOn } from './testing/sim-store.ts'

const segmentCrcAt = 116
const segmentSeqAt = 24
const frameCrcAt = 124
const { time, disk: fresh } = newDisk(7)
let disk: SimDisk

/** One segment with some frames, and a checkpoint in the middle. */
before(async () => {
  disk = fresh
  const run = await openOn(disk, time, { checkpointBytes: 1000, checkpointMs: Infinity })
  run.work.create(1)
  for (let i = 0; i < 10; i++) {
    run.work.append([1], `${i}`.padEnd(500, '.'))
    await commit(run)
    await time.advance(1000)
  }
  await time.until(run.store.close())
})

const pathsIn = (folder: string): string[] => disk.paths().filter((path) => path.startsWith(`${folder}/`))

/** The folder with some bytes changed by a release that knows how to. */
function changed(path: string, change: (bytes: Buffer) => Buffer): SimDisk {
  const copy = disk.copy()
  copy.overwrite(path, change(copy.bytesOf(path)), 0)
  return copy
}

async function refused(by: SimDisk, why: RegExp): Promise<void> {
  const unsupported = (error: unknown): boolean => {
    assert.ok(error instanceof StoreRefused, String(error))
    assert.equal(error.failure.error, 'unsupported')
    assert.match(error.message, why)
    assert.match(error.message, /a newer release wrote it/)
    return true
  }
  await assert.rejects(openOn(by.copy(), time), unsupported)
  await assert.rejects(time.until(checkData(by)), unsupported)
}

function sealed(bytes: Buffer, from: number, crcAt: number): Buffer {
  bytes.writeUInt32LE(crc32c(bytes.subarray(from, from + crcAt)), from + crcAt)
  return bytes
}

/** The slot that is being written. */
const activeSlot = (): string => {
  const seqOf = (path: string): number => disk.bytesOf(path).readUInt32LE(segmentSeqAt)
  return pathsIn('journal').reduce((one, other) => (seqOf(other) > seqOf(one) ? other : one))
}

test('a journal of a newer format is refused, and so is one with flags that must be understood', async () => {
  const major = changed(activeSlot(), (bytes) => {
    bytes[4] = 2
    return sealed(bytes, 0, segmentCrcAt)
  })
  await refused(major, /the journal has format 2\.0/)
  const flags = changed(activeSlot(), (bytes) => {
    bytes.writeUInt32LE(4, 92)
    return sealed(bytes, 0, segmentCrcAt)
  })
  await refused(flags, /required flags 4/)
})

test('a frame of a newer version, or with a flag that must be understood, is refused and not read as one of ours', async () => {
  const lastFrame = (bytes: Buffer): number => {
    let found = 0
    for (let at = 4096; at < bytes.length; at += 4096) if (bytes.readUInt32LE(at) === frameMagic) found = at
    return found
  }
  const version = changed(activeSlot(), (bytes) => {
    const at = lastFrame(bytes)
    bytes[at + 4] = 2
    return sealed(bytes, at, frameCrcAt)
  })
  await refused(version, /frames of version 2/)
  const flags = changed(activeSlot(), (bytes) => {
    const at = lastFrame(bytes)
    bytes[at + 6] = 0x10
    return sealed(bytes, at, frameCrcAt)
  })
  await refused(flags, /frames with flags 10/)
})

/** The same checkpoint with another footer. */
function withFooter(bytes: Buffer, change: (out: Writer, position: number) => void): Buffer {
  const { position } = readTailMark(bytes.subarray(-tailBytes))!
  const out = new Writer(1024)
  change(out, position)
  return Buffer.concat([bytes.subarray(0, position), out.view()])
}

const footerIn = (bytes: Buffer) => readFooter(recordBody(bytes, readTailMark(bytes.subarray(-tailBytes))!.position)!)

test('a checkpoint of a newer version is refused: an older one in its place would lose what it says', async () => {
  const newest = pathsIn('checkpoint').findLast((path) => path.endsWith('.ckp'))!
  const newer = changed(newest, (bytes) =>
    withFooter(bytes, (out, position) => writeFooter(out, { ...footerIn(bytes), version: 3 }, position)),
  )
  await refused(newer, /\.ckp has version 3/)
})

test('a checkpoint from before there were versions is one of version 1', () => {
  const bytes = disk.bytesOf(pathsIn('checkpoint').at(-1)!)
  const body = recordBody(bytes, readTailMark(bytes.subarray(-tailBytes))!.position)!
  assert.equal(readFooter(body).version, 2)
  assert.equal(readFooter(body.subarray(0, -1)).version, 1)
})
