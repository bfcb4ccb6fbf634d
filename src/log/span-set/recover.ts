import { Damaged } from '../damaged.ts'
import { slotFolder, slotPath } from '../journal/slots.ts'
import type { IndexPages } from '../index-pages/index.ts'
import {
  adopted,
  sidecarFolder,
  sidecarPath,
  spanFolder,
  spanPath,
  type DirectoryRecord,
  type Manifest,
  type SpanEdit,
  type SpanFiles,
  type SpanHost,
  type SpanInfo,
} from '../span/index.ts'

/**
 * Puts index and files in order after the journal was replayed. Reads the directories of the few spans that came after
 * the checkpoint, and the names in two folders; opens no other span, however many there are.
 */
export async function recover(
  host: SpanHost,
  manifest: Manifest,
  files: SpanFiles,
  pages: IndexPages,
  edits: readonly SpanEdit[],
): Promise<void> {
  await host.disk.makeFolder(spanFolder)
  await host.disk.makeFolder(sidecarFolder)
  await removeOrphans(host, manifest, files)
  for (const { added } of edits) {
    // What a later edit removed again may be gone already, and the later one says where its records went.
    for (const info of added) if (manifest.has(info.id)) await insertAll(host, files, pages, info)
  }
}

async function insertAll(host: SpanHost, files: SpanFiles, pages: IndexPages, info: SpanInfo): Promise<void> {
  for (const { partition, firstOffset, endOffset, payloadBytes } of await directoryOf(files, info)) {
    if (host.bounds(partition) !== null) pages.insert(partition, firstOffset, endOffset, info.id, payloadBytes)
  }
}

async function directoryOf(files: SpanFiles, info: SpanInfo): Promise<DirectoryRecord[]> {
  const read = async (): Promise<DirectoryRecord[]> => {
    const table = await files.table(info)
    const records: DirectoryRecord[] = []
    for (let page = 0; page < table.directoryPages; page++) records.push(...(await table.directoryPage(page)))
    return records
  }
  try {
    return await read()
  } catch (error) {
    // The index of a segment is only a cache, and no reason not to start.
    if (!(await files.mend(info, error))) throw error
    return read()
  }
}

/**
 * Files that the manifest does not name are what a crash left over: of a copy whose edit was never durable. None goes
 * before all that it does name are known to be there: where they are not, whoever looks for them needs every file.
 */
async function removeOrphans(host: SpanHost, manifest: Manifest, files: SpanFiles): Promise<void> {
  const named = new Set(manifest.list().map((info) => (adopted(info) ? sidecarPath(info.firstSeq) : spanPath(info))))
  const there = new Set<string>()
  const orphans: string[] = []
  for (const folder of [spanFolder, sidecarFolder]) {
    for (const name of await host.disk.list(folder)) {
      const path = `${folder}/${name}`
      if (named.has(path)) there.add(path)
      else orphans.push(path)
    }
  }
  const slots = new Set(await host.disk.list(slotFolder))
  for (const info of manifest.list()) {
    if (adopted(info) && !slots.has(slotPath(info.slot).slice(slotFolder.length + 1))) {
      files.missing.add(info.id)
      host.report(new Damaged(slotPath(info.slot), 0, `segment ${info.firstSeq} is missing`))
    }
    if (adopted(info)) continue // Its sidecar is a cache; whoever misses it makes it again.
    if (!there.has(spanPath(info)))
      throw new Damaged(spanPath(info), 0, 'the span is named by the manifest and missing')
  }
  for (const path of orphans) await host.disk.remove(path)
}
