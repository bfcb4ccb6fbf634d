import * as runtime from 'node:module'
import { fileURLToPath } from 'node:url'

/** A program that embeds the broker may run on a Node older than 22.8, which has none of this. */
const { enableCompileCache, flushCompileCache } = runtime as Partial<typeof runtime>

/**
 * What is loaded from now on is compiled once for all starts: the compiled code lies beside the built one, so whoever
 * may not write there has none, and nobody else can put something there. It goes with the build that it belongs to.
 */
export function reuseCompiled(): void {
  // Sources that run as they are change while one works on them.
  if (import.meta.url.endsWith('.ts')) return
  enableCompileCache?.(fileURLToPath(new URL('./compile-cache', import.meta.url)))
}

/** To be called when all that a start needs has run once: with that it is kept. The first time it takes some 10 ms. */
export function keepCompiled(): void {
  flushCompileCache?.()
}
