export { checkpointFolder, checkpointPath, owner, type CheckpointFooter, type CheckpointRecord } from './format.ts'
export { footerOf, listCheckpoints, restoreCheckpoint, verifyCheckpoint } from './reader.ts'
export { CheckpointWriter } from './writer.ts'
