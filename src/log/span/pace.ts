import type { Pace } from '../store.ts'

/**
 * How far reads that belong together should go. Records of many partitions lie side by side in a segment, and what is
 * read from the disk for one of them stays in memory for a while only: whoever takes the same number of bytes of each
 * partition is soon far apart in the segments, and would have everything read again for each. So those that are near
 * stay within a `window` of the one that is furthest behind. One that got further ahead than that, but not by far,
 * waits; who is elsewhere altogether goes on alone.
 *
 * `places`: where in the journal their next records lie, bytes; null: not known, or settled.
 */
export function paces(places: readonly (number | null)[], window: number): Pace[] {
  const paces = places.map((): Pace => null)
  const order = places.flatMap((place, index) => (place === null ? [] : [{ place, index }]))
  order.sort((a, b) => a.place - b.place)
  for (let first = 0; first < order.length;) {
    const { place: last, index } = order[first]!
    let next = first + 1
    for (; next < order.length && order[next]!.place < last + 2 * window; next++) {
      const { place, index } = order[next]!
      paces[index] = place < last + window ? last + window : 'later'
    }
    if (next > first + 1) paces[index] = last + window
    first = next
  }
  return paces
}
