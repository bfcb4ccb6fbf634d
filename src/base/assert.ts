/** A programmer's error: the process must not go on with this state. Operating errors are values, see `errors.ts`. */
export class AssertionError extends Error {
  override name = 'AssertionError'
}

/** Throws `AssertionError` unless `condition` holds. For invariants only, never for input from outside. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** Makes a `switch` exhaustive at compile time: the argument has type `never` when every case is handled. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`)
}
