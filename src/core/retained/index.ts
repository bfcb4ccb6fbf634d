export { LastValues } from './retained.ts'
export type { LastValue } from './retained.ts'
