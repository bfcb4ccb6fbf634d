export { defer, judgeDeferred, waitsIn } from './defer.ts'
export { dropSchedule, forgetSchedule, installSchedule } from './install.ts'
