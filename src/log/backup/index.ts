export { archive, type BackupFacts } from './archive.ts'
export { readArchive, type ArchiveVisitor } from './read-archive.ts'
export { restoreArchive, restoredFolders, type RestoreReport } from './restore.ts'
export { snapshotOfFolder } from './stopped.ts'
