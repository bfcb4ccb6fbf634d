import { failed } from '../../../base/index.ts'
import { operation } from '../call.ts'
import { code } from '../errors.ts'
import { groupSubscriptions } from '../group-offsets.ts'
import { APIS } from '../wire/apis.ts'

/** Groups with members, then those that only have committed offsets. All are of the classic type. */
export const listGroups = operation(APIS.listGroups, async (request, call) => {
  const found = new Map<string, { groupId: string; protocolType: string; groupState: string; groupType: string }>()
  for (const { spec } of groupSubscriptions(call.shared)) {
    const groupId = spec.name
    found.set(groupId, { groupId, protocolType: 'consumer', groupState: 'Empty', groupType: 'classic' })
  }
  for (const { groupId, protocolType, state } of call.shared.groups.list()) {
    found.set(groupId, { groupId, protocolType, groupState: state, groupType: 'classic' })
  }
  if (failed(await call.shared.broker.settled())) return 'close'
  const states = request.statesFilter.map((one) => one.toLowerCase())
  const types = request.typesFilter.map((one) => one.toLowerCase())
  const groups = [...found.values()].filter((group) => {
    const inState = states.length === 0 || states.includes(group.groupState.toLowerCase())
    return inState && (types.length === 0 || types.includes(group.groupType))
  })
  return { errorCode: code.none, groups }
})
