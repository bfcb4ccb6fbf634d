import { failed } from '../base/index.ts'
import { mustBeRestored, StoreRefused } from '../log/index.ts'
import type { Disk } from '../world/index.ts'
import { NodeDisk } from '../world/node/index.ts'
import { UserError, type Input } from './command.ts'
import { readConfiguration } from './configuration.ts'

/** Runs something on the data folder that no broker may have open meanwhile. */
export async function withDataFolder<T>(input: Input, run: (disk: Disk, folder: string) => Promise<T>): Promise<T> {
  const { data } = await readConfiguration(input, process.env)
  if (data === 'memory') throw new UserError('there is no data folder in memory; name one with --data DIR', 2)
  const disk = new NodeDisk(data)
  if ((await disk.stat('.')) === null) throw new UserError(`${data}: there is no such folder`)
  const lock = await disk.lock()
  if (failed(lock)) throw new UserError(lock.detail)
  try {
    await mustBeRestored(disk)
    return await run(disk, data)
  } catch (error) {
    throw error instanceof StoreRefused ? new UserError(`data folder ${data}: ${error.message}`) : error
  } finally {
    await lock.ok.release()
  }
}
