export { Budget } from './budget.ts'
export { Cleaner } from './cleaner.ts'
export type { Authority } from './liveness.ts'
export { commitEdit, type SettleRoom } from './settle.ts'
