import { unreachable, type ErrorKind, type Failure, type Outcome } from '../base/index.ts'
import type { HttpReply, HttpRequest } from '../world/index.ts'
import { nestsDeeper } from './nesting.ts'

/** No body of this API nests deeper than three. */
const depthMax = 16

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

/** The JSON object that a request brings. */
export function readBody(request: HttpRequest): Outcome<Record<string, unknown>> {
  // A page in a browser on this machine cannot send this type without asking first, and we never say yes.
  if (request.headers['content-type']?.startsWith('application/json') !== true) {
    return { error: 'invalid', detail: 'send the body as content-type: application/json' }
  }
  if (nestsDeeper(request.body, depthMax)) return { error: 'invalid', detail: 'the request body nests too deep' }
  try {
    const body: unknown = JSON.parse(request.body.toString())
    if (typeof body === 'object' && body !== null && !Array.isArray(body))
      return { ok: body as Record<string, unknown> }
  } catch {
    // Said below.
  }
  return { error: 'invalid', detail: 'the request body must be a JSON object' }
}
