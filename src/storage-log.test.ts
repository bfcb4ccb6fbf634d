import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Damaged } from './log/index.ts'
import type { Fields, Logger } from './server/index.ts'
import { StorageLog } from './storage-log.ts'
import { DiskError } from './world/index.ts'
import { SimTime } from './world/sim/time.ts'

function stand(): { told: StorageLog; lines: string[]; time: SimTime } {
  const lines: string[] = []
  const say = (message: string, fields: Fields = {}): void => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const log: Logger = { debug: say, info: say, warn: say, error: say, with: () => log }
  const time = new SimTime()
  return { told: new StorageLog(log, { clock: time, timers: time }, 'data'), lines, time }
}

const failed = { state: 'failed', failure: { error: 'unavailable', detail: 'commit journal/slot-000: EIO' } } as const
const io = (path: string): DiskError => new DiskError('io', 'write', path, 'EIO')

test('each change of state is one line, with what it means for clients', async () => {
  const { told, lines, time } = stand()
  told.changed({ state: 'full', failure: { error: 'full', detail: 'no space' } })
  told.changed({ state: 'ok' })
  told.changed(failed)
  for (let i = 0; i < 5; i++) told.notOpened(io('LOCK'))
  assert.deepEqual(told.health, { state: 'failed', failure: { error: 'unavailable', detail: io('LOCK').message } })
  await time.advance(2000)
  told.opened()
  assert.equal(told.health.state, 'ok')
  assert.deepEqual(
    lines.map((line) => line.slice(0, 25)),
    [
      'the disk is full: message',
      'the disk has space again:',
      'the storage has failed: c',
      'the storage cannot be ope',
      'the storage is open again',
    ],
  )
  assert.match(lines.at(-1)!, /"downMs":2000/)
})

test('a disk that is full and not full in turns is told once a minute', async () => {
  const { told, lines, time } = stand()
  for (let second = 0; second < 150; second++) {
    told.changed({ state: 'full', failure: { error: 'full', detail: 'no space' } })
    await time.advance(500)
    told.changed({ state: 'ok' })
    await time.advance(500)
  }
  assert.equal(lines.length, 6)
  // And when it stays so, that is the last word.
  told.changed({ state: 'full', failure: { error: 'full', detail: 'no space' } })
  await time.advance(60_000)
  assert.match(lines.at(-1)!, /the disk is full/)
})

test('a folder that turns out damaged names the command that says what is lost', () => {
  const { told, lines } = stand()
  told.changed(failed)
  told.notOpened(new Damaged('journal/slot-000', 4096, 'frame 7 is bad'))
  assert.match(lines.at(-1)!, /dragoman check --data data.*journal\/slot-000 at 4096/)
})

test('the same trouble over and over is a line now and then, another one is told at once', async () => {
  const { told, lines, time } = stand()
  for (let minute = 0; minute < 30; minute++) {
    for (let n = 0; n < 60; n++) {
      told.trouble(io(`checkpoint/${minute * 60 + n}.ckp.tmp`))
      await time.advance(1000)
    }
  }
  assert.equal(lines.length, 3)
  assert.match(lines[1]!, /"times":600/)
  told.trouble(io('index/7.idx'))
  told.trouble(new Damaged('spans/1-2.3.days', 0, 'bad'))
  told.trouble(new Damaged('spans/1-2.3.days', 4096, 'bad'))
  assert.equal(lines.length, 6)
})

test('damaged messages are told by name, once for each partition in a while', async () => {
  const { told, lines, time } = stand()
  const damage = new Damaged('spans/1-2.3.days', 7096, 'the 300 bytes of offsets 7 to 7 fail their checksum')
  const records = { namespace: 'default', log: ['orders', 'eu'], partition: 2, first: 7, last: 7 }
  told.notRead({ error: damage, records })
  for (let first = 8; first < 100; first++) told.notRead({ error: damage, records: { ...records, first, last: first } })
  assert.equal(lines.length, 1)
  for (const part of ['"log":"orders.eu"', '"partition":2', '"first":7', '7096', 'dragoman check --data data']) {
    assert.ok(lines[0]!.includes(part), `${part} in ${lines[0]}`)
  }
  for (let again = 0; again < 50; again++) told.notRead({ error: io(`spans/${again}-${again}.days`), records: null })
  assert.equal(lines.length, 2)
  await time.advance(11 * 60_000)
  told.notRead({ error: damage, records: { ...records, log: null } })
  told.notRead({ error: damage, records })
  assert.match(lines[2]!, /retained messages/)
  assert.match(lines[3]!, /"times":93/)
})
