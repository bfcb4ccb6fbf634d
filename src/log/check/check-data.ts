import { DiskError, type Disk } from '../../world/index.ts'
import { slotPath } from '../journal/slots.ts'
import { adopted, sidecarPath, spanPath, type SpanInfo } from '../span/index.ts'
import { checkCheckpoints, checkJournal, walkOne, type JournalCheck, type Wound } from './check-journal.ts'
import { checkSpan } from './check-span.ts'
import { checkTable } from './check-table.ts'
import { cutCommits, rangeOf, type Indexed } from './cut-commits.ts'
import { stretchAt } from './walk-segment.ts'
import { finding, joinRanges, type Finding, type LostRange } from './finding.ts'
import { Replayed, type Witness } from './replayed.ts'
import { inJournal, Unreadable, unreadableFinding } from './unreadable.ts'
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

/** The same, with what `repairData` needs to know. `unread`: stretches of the journal that nothing else is said of. */
export async function survey(
  given: Disk,
  witness: Witness | null = null,
): Promise<{ report: CheckReport; state: Replayed; journal: JournalCheck; unread: Finding[] }> {
  const unreadable = new Unreadable(given)
  const { disk } = unreadable
  const findings: Finding[] = []
  const report = (found: Finding): void => void findings.push(found)
  const state = new Replayed(witness)
  const checkpoint = await checkCheckpoints(disk, state, report)
  const journal = await checkJournal(disk, state, checkpoint, report)
  const checked = { checkpoints: checkpoint !== null, segments: 0, frames: 0, spans: 0, extents: 0 }
  const spans = state.manifest.list()
  for (const info of spans) if (adopted(info)) await walkAdopted(disk, info, journal, report)
  const named = new Map<Wound, Named>()
  for (const info of spans) {
    checked.spans++
    if (adopted(info)) await checkAdopted(disk, info, journal, state, named, report)
    else checked.extents += await checkSettled(disk, info, state, report)
  }
  // What the offsets skip is known for all stretches together; it is told with the first.
  let skipped: readonly LostRange[] = state.gaps
  for (const wound of journal.wounds) {
    const { lost, all } = named.get(wound) ?? { lost: [], all: false }
    if (all) {
      report(explained(wound, lost, state))
      continue
    }
    const told = `${wound.detail}; what they held is known as far as the offsets after them and their tables tell`
    report(explained({ ...wound, detail: told }, [...lost, ...skipped], state))
    skipped = []
  }
  checked.segments = journal.walked.size
  checked.frames = journal.frames
  const unread = unreadable.stretches().map((stretch) => unreadableFinding(stretch, findings))
  findings.push(...unread)
  const open = unread.filter(({ severity, file }) => severity !== 'note' && inJournal(file))
  return { report: { findings, checked }, state, journal, unread: open }
}

/** What indexes name of the records that a wound cost. */
interface Named {
  lost: LostRange[]
  /** There are no others. */
  all: boolean
}

const explained = ({ segment, stretch, detail }: Wound, lost: readonly LostRange[], state: Replayed): Finding =>
  finding('loss', slotPath(segment.slot), stretch.from, stretch.to - stretch.from, detail, joinRanges(state.kept(lost)))

/** The frames of an adopted segment, if a start would not replay it anyway. */
async function walkAdopted(
  disk: Disk,
  info: SpanInfo,
  journal: JournalCheck,
  report: (found: Finding) => void,
): Promise<void> {
  const segment = journal.segments.get(info.firstSeq)
  if (segment === undefined || journal.walked.has(info.firstSeq)) return
  const end = await walkOne(disk, segment, journal, null, report)
  if (end.position >= info.dataBytes) return
  const from = stretchAt(end.position, end.expected, end.last)
  const stretch = { ...from, to: info.dataBytes, lastFrame: -1, nextLsn: -1 }
  journal.wounds.push({ segment, stretch, detail: `frames from ${end.expected.number} on are bad` })
}

/** The sidecar of an adopted segment, which is only a cache, and with its help what bad frames cost. */
async function checkAdopted(
  disk: Disk,
  info: SpanInfo,
  journal: JournalCheck,
  state: Replayed,
  named: Map<Wound, Named>,
  report: (found: Finding) => void,
): Promise<void> {
  const { firstSeq } = info
  const segment = journal.segments.get(firstSeq)
  const woundsOf = (seq: number): Wound[] => journal.wounds.filter((each) => each.segment.header.segmentSeq === seq)
  const own = woundsOf(firstSeq)
  // The last commit may run on into the next one.
  const next = firstSeq + 1
  const wounds = [...own, ...woundsOf(next)]
  const nextMissing = !journal.segments.has(next) && [...journal.segments.keys()].some((seq) => seq > next)
  const bad = wounds.length > 0 || nextMissing || segment === undefined
  const index = await checkSidecar(disk, info, bad, report)
  if (segment === undefined) {
    const detail = `segment ${firstSeq} is missing`
    report(finding('loss', slotPath(info.slot), 0, info.dataBytes, detail, joinRanges(state.kept(index.map(rangeOf)))))
  } else if (bad && index.length > 0) {
    const lost = await cutCommits(disk, journal.segments, firstSeq, index)
    if (lost.length > 0) journal.outdated.add(firstSeq)
    for (const wound of own) named.set(wound, { lost: named.get(wound)?.lost ?? [], all: true })
    const [first] = wounds
    if (first !== undefined) {
      const told = named.get(first)
      named.set(first, { lost: [...(told?.lost ?? []), ...lost], all: told?.all ?? false })
    } else if (lost.length > 0) {
      const detail = `its last commit runs on into segment ${next}, which is missing`
      report(finding('loss', slotPath(segment.slot), info.dataBytes, 0, detail, joinRanges(state.kept(lost))))
    }
  }
}

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
