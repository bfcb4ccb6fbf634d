import { operation } from '../call.ts'
import { code } from '../errors.ts'
import { APIS } from '../wire/apis.ts'

/** Nobody is asked who they are yet: a client that insists is told that no mechanism is there. */
export const saslHandshake = operation(APIS.saslHandshake, () => {
  return { errorCode: code.unsupportedSaslMechanism, mechanisms: [] }
})
