/** Reason codes (MQTT 5 section 2.4) that this broker sends or acts on. */
export const Reason = {
  success: 0x00,
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWill: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  quotaExceeded: 0x97,
  payloadFormatInvalid: 0x99,
  sharedSubscriptionsNotSupported: 0x9e,
} as const

export type ReasonCode = number

/** From here on a reason code means failure (section 2.4). */
export const firstFailure = 0x80

/** Reason codes that a client may put in a DISCONNECT (section 3.14.2.1, the column "sent by client"). */
export const clientDisconnectReasons: ReadonlySet<ReasonCode> = new Set([
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
])

/** Reason codes that CONNACK may carry (section 3.2.2.2): clients look them up, and strict ones fail over another. */
const connackReasons: ReadonlySet<ReasonCode> = new Set([
  ...[0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99],
  ...[0x9a, 0x9b, 0x9c, 0x9d, 0x9f],
])

export const mayRefuse = (reason: ReasonCode): boolean => connackReasons.has(reason)

/** CONNACK return codes of 3.1.1 (section 3.2.2.3) for the reasons of MQTT 5 that a CONNECT may fail with. */
export function returnCodeOf(reason: ReasonCode): number {
  switch (reason) {
    case Reason.success:
      return 0
    case Reason.unsupportedProtocolVersion:
      return 1
    case Reason.clientIdentifierNotValid:
      return 2
    case Reason.badUserNameOrPassword:
      return 4
    case Reason.notAuthorized:
      return 5
    default:
      return 3
  }
}
