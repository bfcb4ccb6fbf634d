import { unreachable } from '../../base/index.ts'
import type { ErrorKind } from '../../base/index.ts'
import { Reason } from './wire/index.ts'
import type { ReasonCode } from './wire/index.ts'

/** Of a publish, as PUBACK and PUBREC may say it (MQTT 5 section 3.4.2.1). */
export function publishReason(error: ErrorKind): ReasonCode {
  switch (error) {
    case 'notFound':
      return Reason.noMatchingSubscribers
    case 'denied':
      return Reason.notAuthorized
    case 'full':
    case 'tooLarge':
    case 'busy':
      return Reason.quotaExceeded
    case 'invalid':
      return Reason.topicNameInvalid
    case 'exists':
    case 'mismatch':
    case 'inUse':
    case 'notEmpty':
    case 'conflict':
    case 'outOfOrder':
    case 'outOfRange':
    case 'loop':
    case 'unsupported':
      return Reason.implementationSpecificError
    case 'fenced':
    case 'unavailable':
      return Reason.unspecifiedError
    default:
      return unreachable(error)
  }
}

/** Of opening a session, as CONNACK may say it (section 3.2.2.2). */
export function connectReason(error: ErrorKind): ReasonCode {
  switch (error) {
    case 'denied':
      return Reason.notAuthorized
    case 'busy':
    case 'inUse':
      return Reason.serverBusy
    case 'full':
      return Reason.quotaExceeded
    case 'unavailable':
    case 'fenced':
      return Reason.serverUnavailable
    case 'invalid':
    case 'tooLarge':
      return Reason.clientIdentifierNotValid
    case 'notFound':
    case 'exists':
    case 'mismatch':
    case 'notEmpty':
    case 'conflict':
    case 'outOfOrder':
    case 'outOfRange':
    case 'loop':
    case 'unsupported':
      return Reason.implementationSpecificError
    default:
      return unreachable(error)
  }
}

/** Of one filter, as SUBACK and UNSUBACK may say it (sections 3.9.3, 3.11.3). */
export function subscribeReason(error: ErrorKind): ReasonCode {
  switch (error) {
    case 'denied':
      return Reason.notAuthorized
    case 'full':
    case 'tooLarge':
    case 'busy':
      return Reason.quotaExceeded
    case 'invalid':
    case 'unsupported':
      return Reason.topicFilterInvalid
    case 'notFound':
      return Reason.noSubscriptionExisted
    case 'exists':
    case 'mismatch':
    case 'inUse':
    case 'notEmpty':
    case 'conflict':
    case 'outOfOrder':
    case 'outOfRange':
    case 'loop':
      return Reason.implementationSpecificError
    case 'fenced':
    case 'unavailable':
      return Reason.unspecifiedError
    default:
      return unreachable(error)
  }
}
