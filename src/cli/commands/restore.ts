import { join } from 'node:path'
import { failed } from '../../base/index.ts'
import { restoreArchive, restoredFolders, unfinishedRestore, type RestoreReport } from '../../log/index.ts'
import { inputChunks, NodeDisk, systemClock, systemRandom, writeOutput } from '../../world/node/index.ts'
import { UserError, type Input } from '../command.ts'
import { readConfiguration } from '../configuration.ts'
import { chunksOf } from '../output-file.ts'
import { onInterruption } from '../signals.ts'
import { told } from './backup.ts'

/** Makes a new data folder of a backup. */
export async function restore(input: Input): Promise<number> {
  const source = input.positionals[0] ?? '-'
  const { data } = await readConfiguration(input, process.env)
  if (data === 'memory') throw new UserError('there is no data folder in memory; name one with --data DIR', 2)
  const began = systemClock.monotonic()
  const report = await told(into(data, source === '-' ? inputChunks() : chunksOf(source)))
  const ms = Math.round(systemClock.monotonic() - began)
  const { release, commit, checked } = report
  const createdAt = new Date(report.createdAt).toISOString()
  const summary = { data, release, createdAt, commit, checked, ms }
  const { segments, frames, spans, extents } = checked
  const sizes = `${segments} segments, ${frames} frames, ${spans} spans, ${extents} extents, all whole`
  const words = `${data} is as the broker was at ${createdAt}, commit ${commit}: ${sizes}; ${ms} ms`
  writeOutput(input.has('json') ? JSON.stringify(summary, null, 2) : words)
  return 0
}

async function into(data: string, chunks: AsyncIterable<Buffer>): Promise<RestoreReport> {
  const disk = new NodeDisk(data)
  const wasThere = (await disk.stat('.')) !== null
  if (wasThere) await mustBeEmpty(disk, data)
  const lock = await disk.lock()
  if (failed(lock)) throw new UserError(lock.detail)
  const clean = async (): Promise<void> => {
    for (const folder of [...restoredFolders, unfinishedRestore]) await removeWhole(disk, folder)
    await lock.ok.release()
    if (!wasThere) await disk.removeTree('.')
  }
  const interruption = onInterruption(clean)
  try {
    await mustBeEmpty(disk, data)
    const report = await writeAll(disk, data, chunks)
    await interruption.over()
    await lock.ok.release()
    return report
  } catch (error) {
    await interruption.over()
    await clean()
    throw error
  }
}

/** A signal comes while the work goes on, which may put one more file where the others are being removed. */
async function removeWhole(disk: NodeDisk, folder: string): Promise<void> {
  for (let attempts = 10; ; attempts--) {
    try {
      return await disk.removeTree(folder)
    } catch (error) {
      if (attempts === 1) throw error
    }
  }
}

/** Whatever stops it in the middle, `unfinishedRestore` is there and no broker opens the folder. */
async function writeAll(disk: NodeDisk, data: string, chunks: AsyncIterable<Buffer>): Promise<RestoreReport> {
  await disk.makeFolder(unfinishedRestore)
  await disk.syncFolder('.')
  const report = await restoreArchive(chunks, new NodeDisk(join(data, unfinishedRestore)), systemRandom.bytes(16))
  for (const folder of restoredFolders) await disk.rename(`${unfinishedRestore}/${folder}`, folder)
  await disk.syncFolder('.')
  await disk.removeTree(unfinishedRestore)
  await disk.syncFolder('.')
  await new NodeDisk(join(data, '..')).syncFolder('.')
  return report
}

async function mustBeEmpty(disk: NodeDisk, data: string): Promise<void> {
  const names = (await disk.list('.')).filter((name) => !name.startsWith('LOCK'))
  if (names.includes(unfinishedRestore)) {
    throw new UserError(`${data}: a restore into it was not finished; remove the folder first`)
  }
  if (names.length > 0) throw new UserError(`${data} is not empty: a backup is restored into a new folder`)
}
