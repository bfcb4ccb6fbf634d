export { archive, type BackupFacts } from './archive.ts'
export { readArchive, type ArchiveVisitor } from './read-archive.ts'
export { restoreArchive, type RestoreReport } from './restore.ts'
