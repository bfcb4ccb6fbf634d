import type { Disk } from '../../world/index.ts'
import { survey } from '../check/index.ts'
import { checkpointPath } from '../checkpoint/index.ts'
import { Damaged } from '../damaged.ts'
import { slotPath } from '../journal/slots.ts'
import type { Snapshot, SnapshotFile } from '../snapshot.ts'
import { adopted, spanPath } from '../span/index.ts'

/**
 * What a start would need of a folder that nobody has open, up to its last whole frame. Reads all of it first, and
 * rejects with `Damaged` when something is not as it was written. Null: there is no journal in it.
 */
export async function snapshotOfFolder(disk: Disk): Promise<Snapshot | null> {
  const { report, state, journal } = await survey(disk)
  const bad = report.findings.find(({ severity }) => severity !== 'note')
  if (bad !== undefined) throw new Damaged(bad.file, bad.position, bad.detail)
  const first = journal.segments.values().next().value
  if (first === undefined) return null
  const { checkpoint } = journal
  const files: SnapshotFile[] = []
  for (const number of checkpoint === null ? [] : [checkpoint.number, ...checkpoint.bases]) {
    const path = checkpointPath(number)
    files.push({ path, bytes: (await disk.stat(path))!.bytes })
  }
  const spans = state.manifest.list()
  for (const info of spans) if (!adopted(info)) files.push({ path: spanPath(info), bytes: info.dataBytes })
  const wanted = new Map(spans.filter(adopted).map(({ firstSeq, dataBytes }) => [firstSeq, dataBytes]))
  for (const [seq, { slot }] of [...journal.segments].sort(([a], [b]) => a - b)) {
    if (seq < (checkpoint?.scanSegment ?? 1) && !wanted.has(seq)) continue
    files.push({ path: slotPath(slot), bytes: wanted.get(seq) ?? journal.walked.get(seq)! })
  }
  const { journalId } = first.header
  return { disk, journalId, commit: state.commit, files, failure: null, release: () => undefined }
}
