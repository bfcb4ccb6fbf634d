import { operation } from '../call.ts'
import { code } from '../errors.ts'
import { APIS } from '../wire/apis.ts'

/** Version 3 lets an administrator remove many members at once, static ones by their instance (KIP-345). */
export const leaveGroup = operation(APIS.leaveGroup, (request, call) => {
  const { groups } = call.shared
  if (call.version < 3) return { errorCode: groups.leave(request.groupId, request.memberId, null) }
  const members = request.members.map(({ memberId, groupInstanceId }) => {
    return { memberId, groupInstanceId, errorCode: groups.leave(request.groupId, memberId, groupInstanceId) }
  })
  return { errorCode: code.none, members }
})
