import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code } from '../errors.ts'
import { nodeId } from '../limits.ts'
import { APIS } from '../wire/apis.ts'

const groupKey = 0

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
  const errorMessage = keyType === 1 ? 'transactions are not supported' : `unknown kind of coordinator: ${keyType}`
  return { errorCode: code.unsupportedVersion, errorMessage, nodeId: -1, host: '', port: -1 }
}
