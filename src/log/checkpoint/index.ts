export {
  checkpointFolder,
  checkpointPath,
  checkpointVersion,
  owner,
  writeFooter,
  type CheckpointFooter,
  type CheckpointRecord,
} from './format.ts'
export { footerOf, footerPlace, listCheckpoints, restoreCheckpoint, verifyCheckpoint } from './reader.ts'
export { CheckpointWriter } from './writer.ts'
