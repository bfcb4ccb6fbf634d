import type { ErrorKind, Failure } from '../../base/index.ts'

type Scope = 'channel' | 'connection'

/** Reply codes of AMQP 0-9-1 1.2, and what they close. */
const replyCodes = {
  CONTENT_TOO_LARGE: [311, 'channel'],
  ACCESS_REFUSED: [403, 'channel'],
  NOT_FOUND: [404, 'channel'],
  RESOURCE_LOCKED: [405, 'channel'],
  PRECONDITION_FAILED: [406, 'channel'],
  CONNECTION_FORCED: [320, 'connection'],
  FRAME_ERROR: [501, 'connection'],
  SYNTAX_ERROR: [502, 'connection'],
  COMMAND_INVALID: [503, 'connection'],
  CHANNEL_ERROR: [504, 'connection'],
  UNEXPECTED_FRAME: [505, 'connection'],
  RESOURCE_ERROR: [506, 'connection'],
  NOT_ALLOWED: [530, 'connection'],
  NOT_IMPLEMENTED: [540, 'connection'],
  INTERNAL_ERROR: [541, 'connection'],
} as const satisfies Record<string, readonly [number, Scope]>

export type ReplyName = keyof typeof replyCodes

/** Ends the channel or the connection; thrown by operations, caught where the frame came in. `text` is binary. */
export class ProtocolError extends Error {
  override name = 'ProtocolError'
  readonly code: number
  scope: Scope
  /** `NOT_FOUND - no queue 'jobs' in vhost '/'`: clients and their tests read it. */
  readonly text: string

  constructor(reply: ReplyName, detail: string) {
    super(detail)
    this.code = replyCodes[reply][0]
    this.scope = replyCodes[reply][1]
    this.text = `${reply} - ${detail}`.slice(0, 255)
  }
}

export function refuse(reply: ReplyName, detail: string): never {
  throw new ProtocolError(reply, detail)
}

/** For outcomes that the operation has not foreseen with a text of its own. */
export function protocolError(failure: Failure): ProtocolError {
  return new ProtocolError(replyOf(failure.error), failure.detail)
}

function replyOf(kind: ErrorKind): ReplyName {
  switch (kind) {
    case 'notFound':
      return 'NOT_FOUND'
    case 'denied':
      return 'ACCESS_REFUSED'
    case 'exists':
    case 'mismatch':
    case 'inUse':
    case 'notEmpty':
    case 'conflict':
    case 'outOfOrder':
    case 'outOfRange':
    case 'loop':
    case 'invalid':
    case 'tooLarge':
    case 'full':
      return 'PRECONDITION_FAILED'
    case 'busy':
      return 'RESOURCE_LOCKED'
    case 'fenced':
      return 'CONNECTION_FORCED'
    case 'unsupported':
      return 'NOT_IMPLEMENTED'
    case 'unavailable':
      return 'INTERNAL_ERROR'
  }
}
