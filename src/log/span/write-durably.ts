import type { Disk, DiskFile } from '../../world/index.ts'

/** Files being written carry this; at the start they are orphans. */
export const unfinishedSuffix = '.tmp'

/**
 * Writes a file that is there whole or not at all: under another name first, synced, renamed, the folder synced. Only
 * then may an entry of the journal name it. What was begun is removed when `write` fails.
 */
export async function writeDurably<T>(disk: Disk, path: string, write: (file: DiskFile) => Promise<T>): Promise<T> {
  const unfinished = path + unfinishedSuffix
  const file = await disk.open(unfinished, 'create')
  try {
    const result = await write(file)
    await file.sync()
    await file.close()
    await disk.rename(unfinished, path)
    await disk.syncFolder(path.slice(0, path.lastIndexOf('/')))
    return result
  } catch (error) {
    await file.close().catch(() => undefined)
    await disk.remove(unfinished).catch(() => undefined)
    throw error
  }
}
