import type { Disk } from '../../world/index.ts'

export async function syncFile(disk: Disk, path: string): Promise<void> {
  const file = await disk.open(path, 'write')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Writes what stands between the two positions once more, and syncs the file. */
export async function writeAgain(disk: Disk, path: string, from: number, to: number): Promise<void> {
  const file = await disk.open(path, 'write')
  try {
    const bytes = Buffer.allocUnsafe(to - from)
    const there = await file.read(bytes, from)
    await file.write(bytes.subarray(0, there), from)
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
