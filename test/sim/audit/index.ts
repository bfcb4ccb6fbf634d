export { Auditor, attemptsMax, deadPlace, exhaustingPlace, type Found, type LeaseFacts, type Range } from './auditor.ts'
export { idOf, payloadOf } from './message.ts'
export { Violation } from './violation.ts'
