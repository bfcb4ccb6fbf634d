export { BatchBuilder, batchHeader, checkRecords, isTimestamp, RecordTable, type BatchProducer } from './batch/index.ts'
export {
  archive,
  readArchive,
  restoreArchive,
  restoredFolders,
  snapshotOfFolder,
  type ArchiveVisitor,
  type BackupFacts,
  type RestoreReport,
} from './backup/index.ts'
export {
  checkData,
  repairData,
  type CheckReport,
  type Finding,
  type LostRange,
  type RepairReport,
} from './check/index.ts'
export { Damaged, Mended } from './damaged.ts'
export { mustBeRestored, openStore, unfinishedRestore, type OpenStoreTerms } from './engine/open-store.ts'
export { StoreRefused, writtenByNewer } from './refused.ts'
export { defaultOptions, type StoreOptions } from './engine/options.ts'
export type { Undecided } from './journal/journal.ts'
export type * from './snapshot.ts'
export type * from './store.ts'
