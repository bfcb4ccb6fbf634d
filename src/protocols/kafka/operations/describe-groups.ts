import { failed } from '../../../base/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code } from '../errors.ts'
import { distinct } from '../distinct.ts'
import { groupTopics } from '../group-offsets.ts'
import { APIS } from '../wire/apis.ts'

export const describeGroups = operation(APIS.describeGroups, async (request, call) => {
  const topicsOf = groupTopics(call.shared)
  const groups = distinct(request.groups, (groupId) => groupId).map((groupId) => describe(groupId, topicsOf, call))
  if (failed(await call.shared.broker.settled())) return 'close'
  return { groups }
})

/** Nobody there: a group with committed offsets is Empty, any other Dead, and from version 6 on not found. */
function describe(groupId: string, topicsOf: ReturnType<typeof groupTopics>, call: Call) {
  const group = call.shared.groups.describe(groupId)
  if (group !== undefined) {
    const { state, protocolType, protocol, members } = group
    return { errorCode: code.none, groupId, groupState: state, protocolType, protocolData: protocol, members }
  }
  const bare = { groupId, protocolType: '', protocolData: '', members: [] }
  if (topicsOf(groupId).length > 0) {
    return { ...bare, errorCode: code.none, groupState: 'Empty', protocolType: 'consumer' }
  }
  if (call.version < 6) return { ...bare, errorCode: code.none, groupState: 'Dead' }
  const errorMessage = `group ${groupId} not found`
  return { ...bare, errorCode: code.groupIdNotFound, errorMessage, groupState: 'Dead' }
}
