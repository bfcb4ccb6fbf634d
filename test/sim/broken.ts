/**
 * Brokers that are broken on purpose, to see that the auditor notices: each changes a few words of a source of the
 * product while it is loaded. A text that is not there any more is an error, not a broker that happens to be well.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

interface Change {
  file: string
  from: string
  to: string
}

export const variants: Readonly<Record<string, readonly Change[]>> = {
  /** What is staged counts as durable: everything is acknowledged before it is written. */
  'ack before sync': [
    {
      file: 'src/core/shard/stage.ts',
      from: 'const { written, durable } = this.store',
      to: 'const written = this.store.staging, durable = written',
    },
    {
      file: 'src/log/engine/journal-store.ts',
      from: 'get durable(): number {',
      to: 'get durable(): number { return this.staging',
    },
  ],
  /** A delivery of an earlier attempt may still settle. */
  'stale lease accepted': [
    {
      file: 'src/core/queue/holdings.ts',
      from: "return attempt === 'any' || this.table.attempts[slot] === attempt ? slot : -1",
      to: "return attempt === 'any' || attempt > 0 ? slot : -1",
    },
  ],
  /** What was given back is forgotten. */
  'lost requeue': [
    {
      file: 'src/core/commit/settle.ts',
      from: 'return spent + queue.release(first, last, attempt, as.count ?? true, shard.monotonic, as.delayMs)',
      to: 'return spent + queue.done(first, last, attempt)',
    },
  ],
  /** What was settled before the restart is ready again. */
  'double delivery after restart': [
    { file: 'src/core/queue/durability.ts', from: 'this.holdings.pages.settle(first, last)', to: 'void [first, last]' },
  ],
}

/** Loads the product with these changes, from now on. */
export function breakProduct(name: string): void {
  const changes = variants[name]
  if (changes === undefined) throw new Error(`no variant "${name}"; there are: ${Object.keys(variants).join(', ')}`)
  registerHooks({
    load(url, context, next) {
      const mine = changes.filter(({ file }) => url.endsWith(`/${file}`))
      if (mine.length === 0) return next(url, context)
      let source = readFileSync(fileURLToPath(url), 'utf8')
      for (const { file, from, to } of mine) {
        if (!source.includes(from)) throw new Error(`${file} does not say any more: ${from}`)
        source = source.replace(from, to)
      }
      return { format: 'module-typescript', source, shortCircuit: true }
    },
  })
}
