export { adminHandler } from './handler.ts'
export type * from './types.ts'
