export { BatchBuilder, batchHeader, RecordTable, type BatchProducer } from './batch/index.ts'
export type * from './store.ts'
