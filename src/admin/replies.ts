import { unreachable, type ErrorKind, type Failure } from '../base/index.ts'
import type { HttpReply } from '../world/index.ts'

export function json(value: unknown, status = 200): HttpReply {
  return { status, type: 'application/json', body: `${JSON.stringify(value, bigintAsText, 2)}\n` }
}

const bigintAsText = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)

export const text = (body: string, status = 200): HttpReply => ({ status, type: 'text/plain; charset=utf-8', body })

export function failure({ error, detail }: Failure): HttpReply {
  return json({ error, detail }, statusOf(error))
}

function statusOf(kind: ErrorKind): number {
  switch (kind) {
    case 'notFound':
      return 404
    case 'exists':
    case 'mismatch':
    case 'inUse':
    case 'notEmpty':
    case 'conflict':
    case 'fenced':
    case 'loop':
      return 409
    case 'invalid':
    case 'outOfRange':
    case 'outOfOrder':
      return 400
    case 'tooLarge':
      return 413
    case 'denied':
      return 403
    case 'unsupported':
      return 501
    case 'full':
      return 507
    case 'busy':
    case 'unavailable':
      return 503
    default:
      return unreachable(kind)
  }
}
