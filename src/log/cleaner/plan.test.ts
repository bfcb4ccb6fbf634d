import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Life } from '../store.ts'
import { plan, type PlanTerms, type SpanStats } from './plan.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const segmentBytes = 64 * 1024 * 1024
const segmentMs = 10 * minute
const terms: PlanTerms = { mergeAfterMs: minute, settleAfterMs: hour, spanBytesMax: 1024 ** 3, pressed: false }

const span = (id: number, facts: Partial<SpanStats> = {}): SpanStats => ({
  id,
  firstSeq: id,
  lastSeq: id,
  adopted: true,
  life: null,
  diskBytes: segmentBytes,
  extents: 100,
  payloadBytes: segmentBytes,
  liveBytes: segmentBytes,
  liveExtents: 100,
  byLife: { days: segmentBytes },
  ageMs: 10 * minute,
  segmentsOn: 0,
  wanted: false,
  onlyWhole: false,
  ...facts,
})
const sparse = { liveBytes: segmentBytes / 5, byLife: { days: segmentBytes / 5 } }
const dead = { liveBytes: 0, liveExtents: 0, byLife: {} }
const mixed = { byLife: { days: segmentBytes / 2, long: segmentBytes / 2 } }

test('what found no space to be written again is given up all the same when it is dead', () => {
  const stuck = { ...sparse, onlyWhole: true }
  assert.equal(plan([span(1, stuck)], terms), null)
  assert.notEqual(plan([span(1, sparse)], terms), null)
  assert.deepEqual(plan([span(1, { ...stuck, ...dead })], terms), { reason: 'dead', spans: [1] })
})

test('C2: nothing to do while everything lives', () => {
  assert.equal(plan([span(1), span(2, { ageMs: 3 * hour })], terms), null)
})

test('dead spans go at once, whatever their age', () => {
  const found = plan([span(1, { ...dead, ageMs: 0 }), span(2), span(3, dead)], terms)
  assert.deepEqual(found, { reason: 'dead', spans: [1, 3] })
})

test('a dead segment stays while a payload of a living one runs on into it', () => {
  assert.equal(plan([span(1, { segmentsOn: 2 }), span(2), span(3, dead)], terms), null)
})

test('the dead are found in one pass, however many spans there are and whatever runs on', () => {
  let looks = 0
  const spans = Array.from({ length: 2000 }, (_, i) => {
    const each = span(i + 1, { segmentsOn: 1, ...(i % 2 === 0 ? {} : dead) })
    const { firstSeq } = each
    Object.defineProperty(each, 'firstSeq', { get: () => (looks++, firstSeq) })
    return each
  })
  assert.equal(plan(spans, terms), null)
  assert.ok(looks <= 10 * spans.length, `${looks} looks`)
})

test('C2: at 60 s a span under 25 % is merged with its sparse neighbours, at most 16', () => {
  assert.equal(plan([span(1, { ...sparse, ageMs: 59_000 })], terms), null)
  assert.deepEqual(plan([span(1), span(2, sparse), span(3, sparse), span(4)], terms)?.spans, [2, 3])
  const many = Array.from({ length: 40 }, (_, i) => span(i + 1, sparse))
  assert.equal(plan(many, terms)?.spans.length, 16)
})

test('C2: at 1 h a segment of two classes is settled, one of large extents and one class never', () => {
  const old = { ageMs: 2 * hour }
  assert.deepEqual(plan([span(1, { ...old, ...mixed })], terms), { reason: 'settle', spans: [1] })
  assert.equal(plan([span(1, { ...old })], terms), null)
  assert.deepEqual(plan([span(1, { ...old, extents: 10_000 })], terms)?.reason, 'settle')
  assert.deepEqual(plan([span(1, { ...old, liveBytes: segmentBytes * 0.7 })], terms)?.reason, 'settle')
})

test('C4: above 80 % of the disk the clocks do not wait', () => {
  const young = { ageMs: 1000, liveBytes: segmentBytes / 2, byLife: { hours: segmentBytes / 2 } }
  assert.equal(plan([span(1, young)], terms), null)
  assert.deepEqual(plan([span(1, young)], { ...terms, pressed: true })?.spans, [1])
})

test('what a cold reader wants is settled before its hour', () => {
  assert.equal(plan([span(1, { extents: 50_000 })], terms), null)
  assert.deepEqual(plan([span(1, { extents: 50_000, wanted: true })], terms), { reason: 'cold', spans: [1] })
})

/** Bytes that die together. */
interface Portion {
  life: Life
  bytes: number
  diesAt: number
}

interface SimSpan {
  id: number
  life: Life | null
  diskBytes: number
  bornAt: number
  portions: Portion[]
}

interface Mix {
  life: Life
  share: number
  lifetimeMs: number
}

/** Nine days of a mix of lifetimes through the planner; what it costs in writes and in space, after seven. */
function simulate(mix: readonly Mix[]): { writeAmplification: number; spaceAmplification: number; surplus: number } {
  let spans: SimSpan[] = []
  let nextId = 1
  let written = 0
  let ingested = 0
  const samples: { disk: number; live: number }[] = []
  for (let now = segmentMs; now <= 9 * day; now += segmentMs) {
    const portions = mix.map(({ life, share, lifetimeMs }) => ({
      life,
      bytes: share * segmentBytes,
      diesAt: now + lifetimeMs,
    }))
    spans.push({ id: nextId++, life: null, diskBytes: segmentBytes, bornAt: now, portions })
    ingested += segmentBytes
    // The cleaner looks when the segment has become a minute old.
    const look = now + minute + 1000
    for (let next = plan(statsAt(spans, look), terms); next !== null; next = plan(statsAt(spans, look), terms)) {
      const taken = spans.filter((each) => next.spans.includes(each.id))
      const at = spans.indexOf(taken[0]!)
      const lives = new Set(taken.flatMap((each) => living(each, look)).map((portion) => portion.life))
      const settled = [...lives].map((life): SimSpan => {
        const kept = taken.flatMap((each) => living(each, look)).filter((portion) => portion.life === life)
        const diskBytes = kept.reduce((sum, portion) => sum + portion.bytes, 0)
        written += diskBytes
        return { id: nextId++, life, diskBytes, bornAt: Math.max(...taken.map((each) => each.bornAt)), portions: kept }
      })
      spans = spans.filter((each) => !taken.includes(each))
      spans.splice(at, 0, ...settled)
    }
    if (now > 7 * day) {
      const live = spans.flatMap((each) => living(each, look)).reduce((sum, portion) => sum + portion.bytes, 0)
      samples.push({ disk: spans.reduce((sum, each) => sum + each.diskBytes, 0), live })
    }
  }
  const disk = samples.reduce((sum, sample) => sum + sample.disk, 0)
  const live = samples.reduce((sum, sample) => sum + sample.live, 0)
  const surplus = Math.max(...samples.map((sample) => sample.disk - sample.live))
  return { writeAmplification: (ingested + written) / ingested, spaceAmplification: disk / live, surplus }
}

const living = (span: SimSpan, now: number): Portion[] => span.portions.filter((portion) => portion.diesAt > now)

function statsAt(spans: readonly SimSpan[], now: number): SpanStats[] {
  return spans.map((each) => {
    const live = living(each, now)
    const byLife: Partial<Record<Life, number>> = {}
    for (const { life, bytes } of live) byLife[life] = (byLife[life] ?? 0) + bytes
    const liveBytes = live.reduce((sum, portion) => sum + portion.bytes, 0)
    const facts = {
      adopted: each.life === null,
      life: each.life,
      diskBytes: each.diskBytes,
      payloadBytes: each.diskBytes,
    }
    return span(each.id, { ...facts, liveBytes, liveExtents: live.length, byLife, ageMs: now - each.bornAt })
  })
}

const queue = (share: number): Mix => ({ life: 'consumed', share, lifetimeMs: 5000 })
const hours = (share: number): Mix => ({ life: 'hours', share, lifetimeMs: hour })
const days = (share: number): Mix => ({ life: 'days', share, lifetimeMs: day })
const weeks = (share: number): Mix => ({ life: 'long', share, lifetimeMs: 7 * day })

/** The last column of F6. */
const mixes: [string, Mix[], number, number][] = [
  ['1 h, 1 d, 7 d in thirds', [hours(1 / 3), days(1 / 3), weeks(1 / 3)], 1.66, 1.0],
  ['50 % queue, 20 % 1 h, 20 % 1 d, 10 % 7 d', [queue(0.5), hours(0.2), days(0.2), weeks(0.1)], 1.3, 1.02],
  ['half queue, half 1 h', [queue(0.5), hours(0.5)], 1.0, 1.97],
  ['all 1 d', [days(1)], 1.0, 1.0],
]

for (const [name, mix, writes, space] of mixes) {
  test(`F6: ${name}: writes ${writes}, space ${space}`, () => {
    const { writeAmplification, spaceAmplification } = simulate(mix)
    assert.ok(Math.abs(writeAmplification - writes) < 0.12, `write amplification ${writeAmplification}`)
    assert.ok(spaceAmplification < space + 0.12, `space amplification ${spaceAmplification}`)
  })
}

test('F6: a queue with 1 message stuck in 10,000 costs the stuck ones and what is not a minute old', () => {
  const stuck: Mix = { life: 'consumed', share: 1 / 10_000, lifetimeMs: 30 * day }
  const { writeAmplification, surplus } = simulate([queue(1 - 1 / 10_000), stuck])
  assert.ok(writeAmplification < 1.05, `write amplification ${writeAmplification}`)
  assert.ok(surplus < 2 * segmentBytes, `${surplus} bytes too many`)
})
