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
  /** How often a message was delivered counts from the start of the process. */
  'attempts forgotten at a restart': [
    {
      file: 'src/core/queue/durability.ts',
      from: 'if (!pages.isSettled(offset) && pages.count(offset) < attempt) pages.setCount(offset, attempt)',
      to: 'void attempt',
    },
  ],
  /** What has been moved to the dead letters stays in its queue, too. */
  'dead letters copied, not moved': [
    {
      file: 'src/core/consume/move.ts',
      from: "lane.queue.done(first, last, 'any')",
      to: 'void [first, last]',
    },
  ],
  /** What was deleted is there again after a restart. */
  'deletion not in the journal': [
    {
      file: 'src/core/catalogue/drop.ts',
      from: 'if (!item.volatile) shard.stage.entry(entryKind.catalogue, item.id, nothing)',
      to: 'void [entryKind, nothing]',
    },
  ],
  /** Who asks for PUBCOMP again, because the first was lost, is sent away. */
  'no second PUBCOMP': [
    { file: 'src/protocols/mqtt/answer.ts', from: 'answersPublish(type)', to: 'type !== PacketType.pubrel' },
  ],
  /** Bytes that have rotted are served as they are. */
  'damage is served': [
    { file: 'src/log/span/payload.ts', from: 'if (crc32c(bytes) !== extent.crc) {', to: 'if (bytes.length < 0) {' },
  ],
  /** A frame of which only the header has come to the disk is taken for whole. */
  'no torn-tail check': [
    {
      file: 'src/log/journal/scan.ts',
      from: 'if (bodyGood(bytes, found.header)) {',
      to: 'if (bytes.length >= 0 || bodyGood(bytes, found.header)) {',
    },
  ],
  /** A checkpoint does not wait for the commits whose effects are in it, nor for the one that names it. */
  'checkpoint ahead of the journal': [
    {
      file: 'src/log/engine/checkpoints.ts',
      from: 'await this.host.synced(round.stamp)',
      to: 'void this.host.synced(round.stamp)',
    },
    { file: 'src/log/engine/checkpoints.ts', from: 'await this.host.name(footer)', to: 'void this.host.name(footer)' },
  ],
  /** A segment is written over that the newest checkpoint is still to be replayed from. */
  'slot reused too early': [
    {
      file: 'src/log/engine/retirement.ts',
      from: 'return segmentSeq < this.floorSegment && commit <= this.floorCommit',
      to: 'return segmentSeq + this.floorSegment + commit >= 0',
    },
  ],
  /** The cleaner leaves something behind that is still needed. */
  'settle that drops a live extent': [
    {
      file: 'src/log/cleaner/settle.ts',
      from: 'for (const extent of extents) await output',
      to: 'for (const extent of extents) if (extent.baseOffset % 5 !== 3) await output',
    },
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
