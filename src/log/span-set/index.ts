export { SpanSet } from './span-set.ts'
