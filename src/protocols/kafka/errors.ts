import { unreachable } from '../../base/index.ts'
import type { Failure } from '../../base/index.ts'

/** The error codes that are answered here, by the names of the protocol guide. */
export const code = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  requestTimedOut: 7,
  messageTooLarge: 10,
  offsetMetadataTooLarge: 12,
  coordinatorLoadInProgress: 14,
  coordinatorNotAvailable: 15,
  invalidTopic: 17,
  invalidRequiredAcks: 21,
  illegalGeneration: 22,
  inconsistentGroupProtocol: 23,
  invalidGroupId: 24,
  unknownMemberId: 25,
  invalidSessionTimeout: 26,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  invalidTimestamp: 32,
  unsupportedSaslMechanism: 33,
  unsupportedVersion: 35,
  topicAlreadyExists: 36,
  invalidPartitions: 37,
  invalidReplicationFactor: 38,
  invalidReplicaAssignment: 39,
  invalidConfig: 40,
  invalidRequest: 42,
  unsupportedForMessageFormat: 43,
  policyViolation: 44,
  outOfOrderSequenceNumber: 45,
  invalidProducerEpoch: 47,
  invalidTxnState: 48,
  invalidProducerIdMapping: 49,
  transactionalIdAuthorizationFailed: 53,
  kafkaStorageError: 56,
  nonEmptyGroup: 68,
  groupIdNotFound: 69,
  fetchSessionIdNotFound: 70,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  unsupportedCompressionType: 76,
  memberIdRequired: 79,
  groupMaxSizeReached: 81,
  fencedInstanceId: 82,
  groupSubscribedToTopic: 86,
  invalidRecord: 87,
  unknownTopicId: 100,
} as const

/** The same for groups and producers, whose clients take an error of the storage for the end of them. */
export function groupCodeOf(failure: Failure): number {
  const { error } = failure
  const comesBack = error === 'full' || error === 'busy' || error === 'unavailable'
  return comesBack ? code.coordinatorLoadInProgress : codeOf(failure)
}

/** What the core refused, in Kafka's words. Where an operation has a better word for a kind, it says so itself. */
export function codeOf(failure: Failure): number {
  switch (failure.error) {
    case 'notFound':
      return code.unknownTopicOrPartition
    case 'exists':
      return code.topicAlreadyExists
    case 'mismatch':
    case 'inUse':
    case 'notEmpty':
    case 'denied':
    case 'loop':
    case 'conflict':
      return code.policyViolation
    case 'fenced':
      return code.invalidProducerEpoch
    case 'outOfOrder':
      return code.outOfOrderSequenceNumber
    case 'outOfRange':
      return code.offsetOutOfRange
    case 'tooLarge':
      return code.messageTooLarge
    case 'invalid':
      return code.invalidRecord
    case 'unsupported':
      return code.invalidRequest
    // Clients retry these until their own delivery timeout, so service resumes by itself when there is space again.
    case 'full':
    case 'busy':
    case 'unavailable':
      return code.kafkaStorageError
    default:
      return unreachable(failure.error)
  }
}
