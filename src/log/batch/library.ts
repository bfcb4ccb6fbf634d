import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** The installation is broken, not the data: whoever catches what is wrong with bytes must let it through. */
export class LibraryMissing extends Error {
  override name = 'LibraryMissing'
}

/** Requires a library when it is first needed: native ones cost a start some 10 ms each, and many brokers never do. */
export function lazily(name: string): () => unknown {
  let loaded: unknown
  return () => (loaded ??= load(name))
}

function load(name: string): unknown {
  try {
    return require(name)
  } catch (error) {
    throw new LibraryMissing(`${name}: ${(error as Error).message}`, { cause: error })
  }
}
