export { LastValues } from './retained.ts'
export type { LastValue } from './last-value.ts'
