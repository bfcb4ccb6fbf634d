import { operation } from '../call.ts'
import { APIS } from '../wire/apis.ts'

export const heartbeat = operation(APIS.heartbeat, (request, call) => {
  const { groupId, memberId, groupInstanceId, generationId } = request
  return { errorCode: call.shared.groups.heartbeat(groupId, memberId, groupInstanceId, generationId) }
})
