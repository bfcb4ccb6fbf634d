import type { ReasonCode } from './reason.ts'

/**
 * Input that breaks the specification. Thrown inside `wire` only; the parser hands it on as a value.
 * `reason` is the MQTT 5 reason code for it; 3.1.1 has no codes and just closes.
 */
export class Violation extends Error {
  override name = 'Violation'
  readonly reason: ReasonCode

  constructor(reason: ReasonCode, message: string) {
    super(message)
    this.reason = reason
  }
}
