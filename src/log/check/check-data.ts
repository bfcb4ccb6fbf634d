import { DiskError, type Disk } from '../../world/index.ts'
import { slotPath } from '../journal/slots.ts'
import { adopted, sidecarPath, spanPath, type LocatedExtent, type SpanInfo } from '../span/index.ts'
import { checkCheckpoints, checkJournal, walkOne, type JournalCheck, type Wound } from './check-journal.ts'
import { checkSpan } from './check-span.ts'
import { checkTable } from './check-table.ts'
import { stretchAt } from './walk-segment.ts'
import { finding, joinRanges, type Finding, type LostRange } from './finding.ts'
import { Replayed, type Witness } from './replayed.ts'
import { Window } from './window.ts'

export interface CheckReport {
  findings: Finding[]
  /** What was looked at, all of it. */
  checked: { checkpoints: boolean; segments: number; frames: number; spans: number; extents: number }
}

/**
 * Reads all that is stored in a data folder and says exactly what is not as it was written, where, and which records
 * that costs. Writes nothing. The folder must not be in use. `witness` learns what the partitions are called.
 */
export async function checkData(disk: Disk, witness: Witness | null = null): Promise<CheckReport> {
  return (await survey(disk, witness)).report
}

/** The same, with what `repairData` needs to know. */
export async function survey(
  disk: Disk,
  witness: Witness | null = null,
): Promise<{ report: CheckReport; state: Replayed; journal: JournalCheck }> {
  const findings: Finding[] = []
  const report = (found: Finding): void => void findings.push(found)
  const state = new Replayed(witness)
  const checkpoint = await checkCheckpoints(disk, state, report)
  const journal = await checkJournal(disk, state, checkpoint, report)
  const checked = { checkpoints: checkpoint !== null, segments: 0, frames: 0, spans: 0, extents: 0 }
  const done = new Set<Wound>()
  for (const info of state.manifest.list()) {
    checked.spans++
    if (adopted(info)) await checkAdopted(disk, info, journal, state, done, report)
    else checked.extents += await checkSettled(disk, info, state, report)
  }
  // What the offsets skip is known for all stretches together; it is told with the first.
  let skipped: readonly LostRange[] = state.gaps
  for (const wound of journal.wounds) {
    if (done.has(wound)) continue
    const told = `${wound.detail}; what they held is known as far as the offsets after them and their tables tell`
    report(explained({ ...wound, detail: told }, skipped, state))
    skipped = []
  }
  checked.segments = journal.walked.size
  checked.frames = journal.frames
  return { report: { findings, checked }, state, journal }
}

interface Indexed {
  partition: number
  extent: LocatedExtent
}

const explained = ({ segment, stretch, detail }: Wound, lost: readonly LostRange[], state: Replayed): Finding =>
  finding('loss', slotPath(segment.slot), stretch.from, stretch.to - stretch.from, detail, joinRanges(state.kept(lost)))

/** The records whose payloads a bad stretch of a segment held, as its index says. */
function hit(index: readonly Indexed[], { stretch: { from, to } }: Wound): LostRange[] {
  const inside = ({ extent }: Indexed): boolean =>
    extent.pieces.some((piece) => piece.segmentsOn === 0 && piece.position < to && piece.position + piece.bytes > from)
  return index.filter(inside).map(({ partition, extent }) => rangeOf(partition, extent))
}

/** An adopted segment: its frames, and its sidecar, which is only a cache. */
async function checkAdopted(
  disk: Disk,
  info: SpanInfo,
  journal: JournalCheck,
  state: Replayed,
  done: Set<Wound>,
  report: (found: Finding) => void,
): Promise<void> {
  const segment = journal.segments.get(info.firstSeq)
  if (segment !== undefined && !journal.walked.has(info.firstSeq)) {
    const end = await walkOne(disk, segment, journal, null, report)
    if (end.position < info.dataBytes) {
      const stretch = {
        ...stretchAt(end.position, end.expected, end.last),
        to: info.dataBytes,
        lastFrame: -1,
        nextLsn: -1,
      }
      journal.wounds.push({ segment, stretch, detail: `frames from ${end.expected.number} on are bad` })
    }
  }
  const wounds = journal.wounds.filter((wound) => wound.segment === segment)
  const index = await checkSidecar(disk, info, wounds.length > 0 || segment === undefined, report)
  if (segment === undefined) {
    const lost = index.map(({ partition, extent }) => rangeOf(partition, extent))
    const detail = `segment ${info.firstSeq} is missing`
    report(finding('loss', slotPath(info.slot), 0, info.dataBytes, detail, joinRanges(state.kept(lost))))
  }
  for (const wound of wounds) {
    done.add(wound)
    report(explained(wound, index.length > 0 ? hit(index, wound) : state.gaps, state))
  }
}

const rangeOf = (partition: number, { baseOffset, count }: LocatedExtent): LostRange => ({
  partition,
  first: baseOffset,
  last: baseOffset + count - 1,
})

/** Its entries, when somebody has to `collect` them. */
async function checkSidecar(
  disk: Disk,
  info: SpanInfo,
  collect: boolean,
  report: (found: Finding) => void,
): Promise<Indexed[]> {
  const path = sidecarPath(info.firstSeq)
  const again = 'it is made again from the segment'
  if ((await disk.stat(path)) === null) {
    report(finding('note', path, 0, info.sidecarBytes, `an index is missing; ${again}`))
    return []
  }
  const index: Indexed[] = []
  const file = await disk.open(path, 'read')
  try {
    const bad = (found: Finding): void =>
      report({
        ...found,
        severity: found.severity === 'note' ? 'note' : 'repairable',
        lost: [],
        detail: `${found.detail}; ${again}`,
      })
    await checkTable(file, new Window(file), bad, (partition, extent) => {
      if (collect) index.push({ partition, extent })
    })
  } finally {
    await file.close()
  }
  return index
}

/** Returns how many extents were looked at. */
async function checkSettled(
  disk: Disk,
  info: SpanInfo,
  state: Replayed,
  report: (found: Finding) => void,
): Promise<number> {
  const kept = (found: Finding): void => report({ ...found, lost: state.kept(found.lost) })
  try {
    const { footer, extents, partitions } = await checkSpan(disk, spanPath(info), kept, info)
    if (footer !== null && partitions.size >= footer.partitions) return extents
    const lost = state.heldBy(info.id).filter(({ partition }) => !partitions.has(partition))
    const detail =
      partitions.size === 0 ? 'nothing of the span can be read' : 'some partitions of the span cannot be read'
    report(finding('loss', spanPath(info), 0, info.dataBytes, detail, lost))
    return extents
  } catch (error) {
    if (!(error instanceof DiskError) || error.kind !== 'notFound') throw error
    const detail = `the span is missing, with ${info.extents} extents of segments ${info.firstSeq} to ${info.lastSeq}`
    report(finding('loss', spanPath(info), 0, info.dataBytes, detail, state.heldBy(info.id)))
    return 0
  }
}
