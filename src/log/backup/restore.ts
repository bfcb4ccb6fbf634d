import type { Disk, DiskFile } from '../../world/index.ts'
import { checkData, type CheckReport } from '../check/index.ts'
import { checkpointFolder } from '../checkpoint/index.ts'
import { Damaged } from '../damaged.ts'
import { slotFolder } from '../journal/slots.ts'
import { spanFolder } from '../span/index.ts'
import type { BackupFacts } from './archive.ts'
import { readArchive, type ArchiveVisitor } from './read-archive.ts'
import { renewJournal } from './renew.ts'

export interface RestoreReport extends BackupFacts {
  checked: CheckReport['checked']
}

/** The journal last: without it nobody takes what is there for a store. */
export const restoredFolders = [spanFolder, checkpointFolder, slotFolder]

/**
 * Writes what an archive holds into an empty folder, as a journal of its own with the id `journalId` (16 random bytes),
 * and reads all of it again as `checkData` does. When it resolves, everything is on the disk. Rejects with `Damaged` or
 * a `DiskError`; then the folder holds nothing of use.
 */
export async function restoreArchive(
  chunks: AsyncIterable<Buffer>,
  disk: Disk,
  journalId: Buffer,
): Promise<RestoreReport> {
  for (const folder of restoredFolders) await disk.makeFolder(folder)
  const files = new FileWriter(disk)
  let facts: BackupFacts
  try {
    facts = await readArchive(chunks, files)
  } finally {
    await files.close()
  }
  await renewJournal(disk, journalId)
  for (const folder of restoredFolders) await disk.syncFolder(folder)
  await disk.syncFolder('.')
  const { findings, checked } = await checkData(disk)
  // Indexes of segments are not in a backup: they are made again.
  const bad = findings.find(({ severity }) => severity !== 'note')
  if (bad !== undefined) throw new Damaged(bad.file, bad.position, bad.detail)
  return { ...facts, checked }
}

class FileWriter implements ArchiveVisitor {
  private readonly disk: Disk
  private file: DiskFile | null = null
  private position = 0

  constructor(disk: Disk) {
    this.disk = disk
  }

  async begin(path: string): Promise<void> {
    this.file = await this.disk.open(path, 'create')
    this.position = 0
  }

  async write(piece: Buffer): Promise<void> {
    await this.file!.write(piece, this.position)
    this.position += piece.length
  }

  async end(): Promise<void> {
    await this.file!.sync()
    await this.close()
  }

  async close(): Promise<void> {
    const file = this.file
    this.file = null
    await file?.close()
  }
}
