export type { Told } from './copies.ts'
export {
  checkpointCopyPath,
  checkpointFolder,
  checkpointPath,
  checkpointPaths,
  checkpointVersion,
  owner,
  writeFooter,
  type CheckpointFooter,
  type CheckpointRecord,
} from './format.ts'
export { badCopies, mendCheckpoint } from './mend.ts'
export { footerOf, footerPlace, listCheckpoints, restoreCheckpoint, verifyCheckpoint } from './reader.ts'
export { CheckpointWriter } from './writer.ts'
