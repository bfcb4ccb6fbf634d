import { failed } from '../base/index.ts'
import { mustBeRestored, restoredFolders, StoreRefused } from '../log/index.ts'
import { DiskError, type Disk, type Lock } from '../world/index.ts'
import { NodeDisk, writeError } from '../world/node/index.ts'
import { UserError, type Input } from './command.ts'
import { readConfiguration } from './configuration.ts'

/**
 * Runs something on the data folder that no broker may have open meanwhile. What only reads may do so where nothing can
 * be written, as on a snapshot.
 */
export async function withDataFolder<T>(
  input: Input,
  access: 'read' | 'write',
  run: (disk: Disk, folder: string) => Promise<T>,
): Promise<T> {
  const { data } = await readConfiguration(input, process.env)
  if (data === 'memory') throw new UserError('there is no data folder in memory; name one with --data DIR', 2)
  const disk = new NodeDisk(data)
  try {
    if ((await disk.stat('.')) === null) throw new UserError(`${data}: there is no such folder`)
    const lock = await lockOf(disk, data, access)
    try {
      await mustBeRestored(disk)
      await mustHoldData(disk, data)
      return await run(disk, data)
    } finally {
      await lock?.release()
    }
  } catch (error) {
    if (error instanceof StoreRefused) throw new UserError(`data folder ${data}: ${error.message}`)
    // Not 1, which would say that something is damaged: nobody knows.
    if (error instanceof DiskError) throw new UserError(`data folder ${data}: ${error.message}`, 2)
    throw error
  }
}

/** Of another folder one would say that all in it is well. */
async function mustHoldData(disk: Disk, data: string): Promise<void> {
  for (const folder of restoredFolders) if ((await disk.list(folder)).length > 0) return
  throw new UserError(`${data}: there are no data of a broker in it`, 2)
}

/** Null: nothing can be written there, by this user at least, and nobody has the folder open. */
async function lockOf(disk: Disk, data: string, access: 'read' | 'write'): Promise<Lock | null> {
  try {
    const lock = await disk.lock()
    if (failed(lock)) throw new UserError(lock.detail)
    return lock.ok
  } catch (error) {
    if (access === 'write' || !(error instanceof DiskError) || error.kind !== 'denied') throw error
    writeError(`nothing can be written in ${data}, so a broker that starts on it meanwhile will not be noticed`)
    return null
  }
}
