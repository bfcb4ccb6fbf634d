import { operation } from '../call.ts'
import { APIS } from '../wire/apis.ts'

export const syncGroup = operation(APIS.syncGroup, ({ groupId, groupInstanceId, ...request }, call) => {
  return call.shared.groups.sync(groupId, { ...request, instanceId: groupInstanceId })
})
