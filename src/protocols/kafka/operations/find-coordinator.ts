import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code } from '../errors.ts'
import { nodeId } from '../limits.ts'
import { APIS } from '../wire/apis.ts'

const groupKey = 0
const transactionKey = 1

/** There is one broker, and it coordinates every group. Version 4 asks for several keys at once (KIP-699). */
export const findCoordinator = operation(APIS.findCoordinator, (request, call) => {
  const answer = coordinator(request.keyType, call)
  if (call.version < 4) return answer
  return { coordinators: request.coordinatorKeys.map((key) => ({ key, ...answer })) }
})

function coordinator(keyType: number, call: Call) {
  if (keyType === groupKey) {
    return { errorCode: code.none, errorMessage: null, nodeId, host: call.advertised.host, port: call.advertised.port }
  }
  // Of all refusals this is the one that no client retries; the message says what is really the matter.
  const errorCode = keyType === transactionKey ? code.transactionalIdAuthorizationFailed : code.invalidRequest
  const errorMessage = keyType === transactionKey ? 'transactions are not supported' : `unknown key type ${keyType}`
  return { errorCode, errorMessage, nodeId: -1, host: '', port: -1 }
}
