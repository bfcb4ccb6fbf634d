import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { NodeDisk } from './disk.ts'

test('a folder that was made, and those above it, are synced into the ones that name them', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'disk-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const disk = new NodeDisk(join(folder, 'a', 'b'))
  const synced: string[] = []
  const { syncFolder } = disk
  disk.syncFolder = (path) => {
    synced.push(join('a', 'b', path))
    return syncFolder.call(disk, path)
  }
  const lock = await disk.lock()
  assert.ok('ok' in lock)
  assert.deepEqual(synced, ['a', '.'])
  await disk.makeFolder('journal')
  await disk.makeFolder('journal')
  assert.ok(statSync(join(folder, 'a', 'b', 'journal')).isDirectory())
  assert.deepEqual(synced, ['a', '.', 'a/b'])
  await lock.ok.release()
})
