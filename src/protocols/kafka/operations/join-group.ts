import { operation } from '../call.ts'
import { APIS } from '../wire/apis.ts'

export const joinGroup = operation(APIS.joinGroup, async (request, call) => {
  const answer = await call.shared.groups.join(request.groupId, {
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    clientId: call.clientId,
    host: call.host,
    sessionTimeoutMs: request.sessionTimeoutMs,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    protocolType: request.protocolType,
    // Copied: a slice would keep the whole chunk that it came in for as long as the member lives.
    protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    idRequired: call.version >= 4,
    canSkipAssignment: call.version >= 9,
  })
  // Before version 7 the protocol name may not be null.
  return call.version >= 7 ? answer : { ...answer, protocolName: answer.protocolName ?? '' }
})
