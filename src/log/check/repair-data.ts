import type { Disk } from '../../world/index.ts'
import { checkpointPaths, listCheckpoints, mendCheckpoint } from '../checkpoint/index.ts'
import { Damaged } from '../damaged.ts'
import { listSlots } from '../journal/slot-files.ts'
import { slotPath } from '../journal/slots.ts'
import { adopted, sidecarFolder, sidecarPath, spanPath } from '../span/index.ts'
import { survey, type CheckReport } from './check-data.ts'
import { joinRanges, type Finding, type LostRange } from './finding.ts'
import { blank, bridge, fillMissing, repairHeader } from './repair-journal.ts'
import { repairSpan } from './repair-span.ts'
import type { Witness } from './replayed.ts'
import { Unreadable } from './unreadable.ts'

export interface RepairReport {
  /** What was wrong, as `checkData` says it. */
  before: CheckReport
  /** What was done, a sentence each. */
  done: string[]
  /** Records that are gone for good. */
  lost: LostRange[]
  /** What is still wrong. With `loss` among it the store will not open. */
  left: Finding[]
}

type Survey = Awaited<ReturnType<typeof survey>>

/** Passes: a header that was made again lets the next one see the frames behind it. */
const passesMax = 4

/**
 * Writes what can be kept, so that the store opens again, and says what is lost. Takes nothing away that is whole. The
 * folder must not be in use; make a copy of it first.
 */
export async function repairData(disk: Disk, witness: Witness | null = null): Promise<RepairReport> {
  const first = await survey(disk, witness)
  const done: string[] = []
  const lost: LostRange[] = []
  let now = first
  for (let pass = 0; pass < passesMax; pass++) {
    const before = done.length
    lost.push(...now.report.findings.flatMap((found) => found.lost))
    await repairOnce(new Unreadable(disk).disk, now, done)
    now = await survey(disk)
    if (done.length === before) break
  }
  return { before: first.report, done, lost: joinRanges(lost), left: now.report.findings }
}

async function repairOnce(disk: Disk, { report, state, journal, unread }: Survey, done: string[]): Promise<void> {
  const bad = new Set(report.findings.filter((found) => found.severity !== 'note').map((found) => found.file))
  await repairCheckpoints(disk, bad, journal.checkpoint?.number ?? null, journal.segments.has(1), done)
  for (const wound of journal.wounds) {
    const { from, firstFrame, lastFrame } = wound.stretch
    if (!(await bridge(disk, wound))) continue
    const which = lastFrame < 0 ? `${firstFrame} and after` : `${firstFrame} to ${lastFrame}`
    done.push(`${slotPath(wound.segment.slot)} at ${from}: frames ${which} now carry nothing`)
    // The index still names what was lost, and that of a segment whose last commit runs on into this one.
    const seq = wound.segment.header.segmentSeq
    await removeSidecar(disk, sidecarPath(seq), done)
    if (journal.outdated.has(seq - 1)) await removeSidecar(disk, sidecarPath(seq - 1), done)
  }
  const frameBytesMax = [...journal.segments.values()][0]?.header.frameBytesMax ?? 1024 * 1024
  for (const { slot, unreadable } of await listSlots(disk)) {
    if (!unreadable || !bad.has(slotPath(slot)) || !(await repairHeader(disk, slot, frameBytesMax))) continue
    done.push(`${slotPath(slot)}: its header was made again from its first frame`)
  }
  for (const found of unread) {
    await blank(disk, found)
    done.push(`${found.file} at ${found.position}: what cannot be read is zeros now`)
  }
  for (const { slot, firstSeq } of await fillMissing(disk, state.manifest.list(), journal)) {
    done.push(`${slotPath(slot)}: a segment that carries nothing stands for segment ${firstSeq}, which is missing`)
    await removeSidecar(disk, sidecarPath(firstSeq), done)
    if (journal.outdated.has(firstSeq - 1)) await removeSidecar(disk, sidecarPath(firstSeq - 1), done)
  }
  const journalId = journal.checkpoint?.journalId ?? [...journal.segments.values()][0]?.header.journalId
  for (const info of state.manifest.list()) {
    const path = adopted(info) ? sidecarPath(info.firstSeq) : spanPath(info)
    if (!bad.has(path) || journalId === undefined) continue
    if (adopted(info)) await removeSidecar(disk, path, done)
    else
      await repairSpan(disk, info, journalId).then(() => done.push(`${path}: written again with what is whole of it`))
  }
}

async function removeSidecar(disk: Disk, path: string, done: string[]): Promise<void> {
  if ((await disk.stat(path)) === null) return
  await disk.remove(path)
  await disk.syncFolder(sidecarFolder)
  done.push(`${path}: removed; the next start makes it again`)
}

/** Bad ones go when another will do, or when the journal is there from its beginning. */
async function repairCheckpoints(
  disk: Disk,
  bad: ReadonlySet<string>,
  usable: number | null,
  fromBeginning: boolean,
  done: string[],
): Promise<void> {
  const { numbers } = await listCheckpoints(disk)
  for (const number of numbers) {
    if (await mended(disk, number, done)) continue
    if ((usable === null && !fromBeginning) || number === usable) continue
    for (const path of checkpointPaths(number)) {
      if (!bad.has(path)) continue
      await disk.remove(path)
      done.push(`${path}: removed; ${usable === null ? 'the journal begins before it' : 'an older one will do'}`)
    }
  }
}

/** Both files are whole now, what was bad or missing in one was in the other. */
async function mended(disk: Disk, number: number, done: string[]): Promise<boolean> {
  try {
    for (const path of await mendCheckpoint(disk, number)) {
      done.push(`${path}: written again, its other copy had what was bad in it`)
    }
    return true
  } catch (error) {
    if (error instanceof Damaged) return false
    throw error
  }
}
