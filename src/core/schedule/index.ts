export { defer } from './defer.ts'
export { dropSchedule, forgetSchedule, installSchedule } from './install.ts'
