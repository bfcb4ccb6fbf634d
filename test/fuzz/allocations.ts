import { Buffer as Buffers } from 'node:buffer'

const names = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const
type Allocate = (size: number) => Buffer

let asked = 0

/** Counts what is asked for through `Buffer` while `run` runs: a lying length must not take memory. */
export function bytesAskedIn<T>(run: () => T): { result: T; bytes: number } {
  const before = asked
  const result = run()
  return { result, bytes: asked - before }
}

/** Puts the counter in place, for as long as the process lives. */
export function countAllocations(): void {
  const owner = Buffers as unknown as Record<string, Allocate>
  for (const name of names) {
    const real = owner[name]!
    owner[name] = (size, ...rest: []) => {
      asked += size
      return real.call(Buffers, size, ...rest)
    }
  }
}
