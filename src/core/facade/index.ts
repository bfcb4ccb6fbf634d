export type * from './broker.ts'
export type * from './catalogue.ts'
export type * from './delivery.ts'
export type * from './operations.ts'
