export interface GroupProtocol {
  name: string
  metadata: Buffer
}

export interface JoinRequest {
  memberId: string
  instanceId: string | null
  clientId: string
  host: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocolType: string
  protocols: readonly GroupProtocol[]
  /** KIP-394: a new member is first told its id, so that a lost answer leaves nobody behind. */
  idRequired: boolean
  /** KIP-814: a returning static leader can be told not to assign again. */
  canSkipAssignment: boolean
}

export interface JoinAnswer {
  errorCode: number
  generationId: number
  protocolType: string | null
  protocolName: string | null
  leader: string
  skipAssignment: boolean
  memberId: string
  members: { memberId: string; groupInstanceId: string | null; metadata: Buffer }[]
}

export interface SyncRequest {
  memberId: string
  instanceId: string | null
  generationId: number
  protocolType: string | null
  protocolName: string | null
  assignments: readonly { memberId: string; assignment: Buffer }[]
}

export interface SyncAnswer {
  errorCode: number
  protocolType: string | null
  protocolName: string | null
  assignment: Buffer
}

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

export interface GroupDescription {
  groupId: string
  state: GroupState
  protocolType: string
  protocol: string
  members: {
    memberId: string
    groupInstanceId: string | null
    clientId: string
    clientHost: string
    memberMetadata: Buffer
    memberAssignment: Buffer
  }[]
}
