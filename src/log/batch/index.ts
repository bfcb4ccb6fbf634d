export * as batchHeader from './header.ts'
export { BatchBuilder, type BatchProducer } from './builder.ts'
export { checkRecords, isTimestamp } from './check-records.ts'
export { RecordTable } from './record-table.ts'
