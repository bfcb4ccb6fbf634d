/**
 * The kinds of operating error. A kind is a value that callers act on; each protocol maps it once, by an
 * exhaustive switch, to its wire code. A programmer's error is an `AssertionError` instead.
 */
export type ErrorKind =
  | 'notFound'
  | 'exists'
  | 'mismatch'
  | 'inUse'
  | 'notEmpty'
  | 'fenced'
  | 'conflict'
  | 'outOfOrder'
  | 'outOfRange'
  | 'full'
  | 'tooLarge'
  | 'denied'
  | 'busy'
  | 'loop'
  | 'invalid'
  | 'unsupported'
  | 'unavailable'

/** What went wrong, and in words what to do about it. */
export interface Failure {
  error: ErrorKind
  detail: string
}

export type Outcome<T> = { ok: T } | Failure

export function failed<T>(outcome: Outcome<T>): outcome is Failure {
  return 'error' in outcome
}
