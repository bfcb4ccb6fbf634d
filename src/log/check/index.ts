export { checkData, survey, type CheckReport } from './check-data.ts'
export type { Finding, LostRange } from './finding.ts'
export { repairData, type RepairReport } from './repair-data.ts'
