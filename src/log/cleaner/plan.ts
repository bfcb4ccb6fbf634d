import type { Life } from '../store.ts'

/** What the planner knows of a span: from the manifest, and as last measured. */
export interface SpanStats {
  id: number
  firstSeq: number
  lastSeq: number
  adopted: boolean
  /** Null while adopted. */
  life: Life | null
  /** What it holds on the disk. */
  diskBytes: number
  extents: number
  payloadBytes: number
  liveBytes: number
  liveExtents: number
  /** Live bytes by class of expected life (C1). */
  byLife: Readonly<Partial<Record<Life, number>>>
  /** Since its youngest record was committed. */
  ageMs: number
  /** How many of the segments after an adopted one hold bytes of its payloads. */
  segmentsOn: number
  /** A cold reader met small extents here. */
  wanted: boolean
  /** There was no space to write what is left of it: for now it can only be given up whole. */
  onlyWhole: boolean
}

export interface PlanTerms {
  mergeAfterMs: number
  settleAfterMs: number
  spanBytesMax: number
  /** Space is short: the clocks do not wait (C4). */
  pressed: boolean
}

export type PlanReason = 'dead' | 'sparse' | 'settle' | 'cold' | 'small'

/** Replace these spans by one for each class of life; `dead`: by nothing. */
export interface Plan {
  reason: PlanReason
  /** In the order of the list. */
  spans: number[]
}

export const intervalSpansMax = 16
/** C2: under this share of live bytes a span is merged with its neighbours. */
const sparseShare = 0.25
/** C2: an adopted span under this is settled when its hour has come. */
const settleShare = 0.75
const classShare = 0.1
const smallExtentBytes = 64 * 1024
/** Spans below this are merged with their like, and join the merge of a neighbour that is not much smaller. */
const smallSpanBytes = 4 * 1024 * 1024
/** Were a small span rewritten for each crumb that comes after it, the crumbs would cost the square of their number. */
const crumbFactor = 2
/** Small extents from segments are gathered from all over the file, once for each 8 MiB of output. */
const gatheredBytesMax = 256 * 1024 * 1024

/**
 * What to do next, or null (C2, C3). `spans` in the order of the list. Pure: liveness was asked from the authority
 * before, and is asked again, extent by extent, when the plan is carried out.
 */
export function plan(spans: readonly SpanStats[], terms: PlanTerms): Plan | null {
  const fit = spans.filter((span) => !span.onlyWhole)
  return dead(spans) ?? sparse(fit, terms) ?? settle(fit, terms) ?? small(fit, terms)
}

function dead(spans: readonly SpanStats[]): Plan | null {
  const ids = withGlue(spans, new Set(spans.filter((span) => span.liveExtents === 0).map((span) => span.id)))
  return ids.length > 0 ? { reason: 'dead', spans: ids } : null
}

/** Leaves out segments into which a payload of a segment that stays runs on. */
function withGlue(spans: readonly SpanStats[], chosen: Set<number>): number[] {
  if (chosen.size === 0) return []
  const segments = new Map<number, number>()
  for (const { id, firstSeq, adopted } of spans) if (adopted && chosen.has(id)) segments.set(firstSeq, id)
  for (const { id, firstSeq, segmentsOn } of spans) {
    if (chosen.has(id)) continue
    for (let on = 1; on <= segmentsOn; on++) chosen.delete(segments.get(firstSeq + on) ?? -1)
  }
  return spans.filter((span) => chosen.has(span.id)).map((span) => span.id)
}

const isSparse = (span: SpanStats): boolean => span.liveBytes < sparseShare * span.diskBytes
const isSmall = (span: SpanStats): boolean => !span.adopted && span.diskBytes < smallSpanBytes

/** C2, first clock: from the oldest sparse span on, with its neighbours that are sparse or small. */
function sparse(spans: readonly SpanStats[], terms: PlanTerms): Plan | null {
  const waitMs = terms.pressed ? 0 : terms.mergeAfterMs
  // A small span that is sparse frees next to nothing: it waits for company.
  const seeds = (span: SpanStats): boolean => isSparse(span) && !isSmall(span) && span.ageMs >= waitMs
  const joins = (span: SpanStats, bytes: number): boolean =>
    isSmall(span) ? span.diskBytes <= crumbFactor * bytes : isSparse(span) && span.ageMs >= waitMs
  return interval(spans, 'sparse', seeds, joins, terms)
}

/** C2, second clock: an adopted span whose bytes will not die together, or are scattered, or are mostly gone. */
function settle(spans: readonly SpanStats[], terms: PlanTerms): Plan | null {
  const waitMs = terms.pressed ? 0 : terms.settleAfterMs
  const wants = (span: SpanStats): boolean => span.adopted && span.ageMs >= waitMs && worthSettling(span)
  const cold = (span: SpanStats): boolean =>
    span.adopted && span.wanted && span.ageMs >= terms.mergeAfterMs && meanExtentBytes(span) < smallExtentBytes
  const first = interval(spans, 'cold', cold, cold, terms) ?? interval(spans, 'settle', wants, wants, terms)
  if (first === null || first.reason === 'cold' || terms.pressed || first.spans.length === intervalSpansMax)
    return first
  // A short interval makes short spans; let it grow for half as long again, unless it is full.
  const oldest = spans.find((span) => span.id === first.spans[0])!
  const bytes = spans.filter((span) => first.spans.includes(span.id)).reduce((sum, span) => sum + span.liveBytes, 0)
  return oldest.ageMs >= terms.settleAfterMs * 1.5 || bytes * 2 >= gatheredBytesMax ? first : null
}

const meanExtentBytes = (span: SpanStats): number => (span.extents === 0 ? 0 : span.payloadBytes / span.extents)

function worthSettling(span: SpanStats): boolean {
  if (span.liveBytes < settleShare * span.diskBytes) return true
  const shares = Object.values(span.byLife).filter((bytes) => bytes >= classShare * span.liveBytes)
  if (shares.length >= 2) return true
  // What has lasted an hour and is consumed, or lasts hours at most, is about to go.
  const lasting = span.liveBytes - (span.byLife.consumed ?? 0) - (span.byLife.hours ?? 0)
  return meanExtentBytes(span) < smallExtentBytes && lasting >= classShare * span.liveBytes
}

/** Many small settled spans of one class become one; each byte is copied once more for each 16-fold growth. */
function small(spans: readonly SpanStats[], terms: PlanTerms): Plan | null {
  for (const life of new Set(spans.map((span) => span.life))) {
    if (life === null) continue
    const ofClass = spans.filter((span) => span.life === life)
    const found = interval(ofClass, 'small', isSmall, isSmall, terms)
    if (found !== null && found.spans.length === intervalSpansMax) return found
  }
  return null
}

/** The first run of neighbours that `joins` (told the live bytes so far), around the first that `seeds`, within the bounds of C2. */
function interval(
  spans: readonly SpanStats[],
  reason: PlanReason,
  seeds: (span: SpanStats) => boolean,
  joins: (span: SpanStats, bytes: number) => boolean,
  terms: PlanTerms,
): Plan | null {
  const seed = spans.findIndex(seeds)
  if (seed < 0) return null
  const room = new Room(terms)
  room.take(spans[seed]!)
  let first = seed
  let end = seed + 1
  while (end < spans.length && joins(spans[end]!, room.liveBytes) && room.take(spans[end]!)) end++
  while (first > 0 && joins(spans[first - 1]!, room.liveBytes) && room.take(spans[first - 1]!)) first--
  const ids = withGlue(spans, new Set(spans.slice(first, end).map((span) => span.id)))
  return ids.length > 0 ? { reason, spans: ids } : null
}

/** How much more one output can take. */
class Room {
  /** Of the spans taken. */
  liveBytes = 0
  private spans = intervalSpansMax
  private bytes: number
  private gathered = gatheredBytesMax

  constructor(terms: PlanTerms) {
    this.bytes = terms.spanBytesMax
  }

  take(span: SpanStats): boolean {
    const scattered = span.adopted && meanExtentBytes(span) < smallExtentBytes ? span.liveBytes : 0
    const first = this.spans === intervalSpansMax
    if (!first && (this.spans === 0 || span.liveBytes > this.bytes || scattered > this.gathered)) return false
    this.spans--
    this.bytes -= span.liveBytes
    this.liveBytes += span.liveBytes
    this.gathered -= scattered
    return true
  }
}
