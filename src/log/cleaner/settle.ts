import { checkSpan } from '../check/check-span.ts'
import { Damaged } from '../damaged.ts'
import type { IndexPages } from '../index-pages/index.ts'
import {
  encodeEdit,
  lives,
  sidecarPath,
  spanPath,
  type DirectoryRecord,
  type Manifest,
  type SpanEdit,
  type SpanFiles,
  type SpanHost,
  type SpanInfo,
} from '../span/index.ts'
import type { Life } from '../store.ts'
import type { Budget } from './budget.ts'
import type { Authority } from './liveness.ts'
import { SpanOutput } from './output.ts'
import { liveExtents, partitionsOf, type Source } from './source.ts'

/** What settling works on. */
export interface SettleRoom {
  host: SpanHost
  manifest: Manifest
  files: SpanFiles
  pages: IndexPages
  budget: Budget
  authority: Authority
  /** Asked between steps: true when the store is closing, so that nothing more is begun. */
  closing(): boolean
}

/** A span that was written, and the partitions in it. */
export interface Settled {
  info: SpanInfo
  partitions: readonly DirectoryRecord[]
}

/** What came of it: `interleaved` when another span stands between records of one partition, so they cannot be joined. */
export type SettleOutcome = { edit: SpanEdit; settled: Settled[] } | 'interleaved' | 'closing'

/**
 * Writes what is still needed of these spans into one span for each class of expected life, verified byte by byte.
 * The files are durable when it resolves, and named by nobody: `commitEdit` does that. Rejects with `Damaged` when a
 * source is bad: then nothing is replaced.
 */
export async function settle(room: SettleRoom, infos: readonly SpanInfo[]): Promise<SettleOutcome> {
  const sources: Source[] = []
  for (const info of infos) {
    const table = await room.files.scan(info)
    sources.push({ info, table, file: (on) => room.files.following(info, on) })
  }
  const classes = await classesOf(room, sources)
  if (classes === 'interleaved') return classes
  const settled: Settled[] = []
  try {
    for (const life of lives) {
      if (![...classes.values()].includes(life)) continue
      const one = await settleClass(room, sources, classes, life)
      if (one !== null) settled.push(one)
      if (room.closing()) {
        await abandon(room, settled)
        return 'closing'
      }
    }
  } catch (error) {
    await abandon(room, settled).catch(() => undefined) // What stays is an orphan, gone at the next start.
    throw error
  }
  return { edit: { removed: infos.map((info) => info.id), added: settled.map((one) => one.info) }, settled }
}

/** The class of each partition, fixed for the whole run: a policy that changes meanwhile counts next time (C1). */
async function classesOf(room: SettleRoom, sources: readonly Source[]): Promise<Map<number, Life> | 'interleaved'> {
  const ids = new Set(sources.map((source) => source.info.id))
  const classes = new Map<number, Life>()
  for await (const { partition, parts } of partitionsOf(sources)) {
    if (room.authority.start(partition) === Infinity) continue
    const first = parts[0]!.record.firstOffset
    const end = parts[parts.length - 1]!.record.endOffset
    if (room.pages.interleaved(partition, first, end, ids)) return 'interleaved'
    classes.set(partition, room.authority.life(partition))
  }
  return classes
}

async function settleClass(
  room: SettleRoom,
  sources: readonly Source[],
  classes: ReadonlyMap<number, Life>,
  life: Life,
): Promise<Settled | null> {
  const { host, budget, files } = room
  const infos = sources.map((source) => source.info)
  const id = room.manifest.takeId()
  const firstSeq = Math.min(...infos.map((info) => info.firstSeq))
  const lastSeq = Math.max(...infos.map((info) => info.lastSeq))
  const newestAt = Math.max(...infos.map((info) => info.newestAt))
  const path = spanPath({ id, firstSeq, lastSeq, life })
  const beforeStep = (bytes: number): Promise<void> => budget.take(bytes)
  const output = await SpanOutput.begin(host.disk, path, files.readAround, beforeStep)
  try {
    for await (const part of partitionsOf(sources)) {
      if (classes.get(part.partition) !== life) continue
      for await (const { source, extents } of liveExtents(part, room.authority)) {
        for (const extent of extents) await output.add(part.partition, source, extent)
        if (room.closing()) break
      }
    }
    if (room.closing() || output.empty) {
      await output.abandon()
      return null
    }
    const facts = { kind: 'settled' as const, life, journalId: host.journalId, id, firstSeq, lastSeq }
    const replaced = infos.map((info) => info.id)
    const { footer, bytes } = await output.finish({ ...facts, createdAt: host.clock.now(), replaced })
    await verify(room, path, footer.extents)
    const { payloadBytes, extents } = footer
    const stored = { slot: -1, dataBytes: bytes, sidecarBytes: 0, lastFrame: 0, segmentsOn: 0 }
    const info: SpanInfo = { id, firstSeq, lastSeq, life, newestAt, payloadBytes, extents, ...stored }
    return { info, partitions: output.partitions }
  } catch (error) {
    await output.abandon().catch(() => undefined)
    throw error
  }
}

/** Reads the copy back: what the manifest names from now on is the only copy (C6). */
async function verify(room: SettleRoom, path: string, extents: number): Promise<void> {
  const check = await checkSpan(room.host.disk, path, (found) => {
    throw new Damaged(found.file, found.position, `just written, and ${found.detail}`)
  })
  if (check.extents !== extents) throw new Damaged(path, 0, `${check.extents} extents of ${extents} can be read back`)
}

async function abandon(room: SettleRoom, settled: readonly Settled[]): Promise<void> {
  for (const { info } of settled) await room.host.disk.remove(spanPath(info))
}

/**
 * Puts the edit into the journal and into effect. Readers find the new spans at once (their files are durable); the old
 * ones are given back when the entry is durable and nobody reads them.
 */
export function commitEdit(
  room: Pick<SettleRoom, 'host' | 'manifest' | 'files' | 'pages'>,
  outcome: {
    edit: SpanEdit
    settled: readonly Settled[]
  },
): Promise<void> {
  const { host, manifest, files, pages } = room
  const gone = outcome.edit.removed.map((id) => manifest.get(id)!)
  const durable = host.stageManifest(encodeEdit(outcome.edit))
  manifest.apply(outcome.edit)
  for (const { info, partitions } of outcome.settled) {
    for (const { partition, firstOffset, endOffset, payloadBytes } of partitions) {
      if (host.bounds(partition) !== null) pages.insert(partition, firstOffset, endOffset, info.id, payloadBytes)
    }
  }
  return durable.then(async (commit) => {
    await Promise.all(gone.map((info) => giveBack(host, files, info, commit)))
  })
}

/**
 * The file of a span that the manifest no longer names: a slot goes back to the journal, the rest is removed. What cannot
 * be removed stays until the next start, and costs no slot.
 */
async function giveBack(host: SpanHost, files: SpanFiles, info: SpanInfo, commit: number): Promise<void> {
  await new Promise<void>((resolve) => files.unused(info.id, resolve))
  try {
    await files.forget(info)
    await host.disk.remove(info.slot >= 0 ? sidecarPath(info.firstSeq) : spanPath(info))
  } catch (error) {
    host.report(error as Error)
  }
  if (info.slot >= 0) host.releaseSlot(info.slot, info.firstSeq, commit)
}
