import type { Disk } from '../../world/index.ts'

export async function syncFile(disk: Disk, path: string): Promise<void> {
  const file = await disk.open(path, 'write')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Takes away what stands at `position` of a file and behind it. The pages of a write that failed may look written and
 * never be (F10); a file that ends before them has none.
 */
export async function cutFile(disk: Disk, path: string, position: number): Promise<void> {
  const file = await disk.open(path, 'write')
  try {
    if ((await file.bytes()) > position) await file.truncate(position)
    await file.sync()
  } finally {
    await file.close()
  }
}
