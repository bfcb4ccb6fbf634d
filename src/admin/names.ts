import { levelOfUtf8, levelUtf8, plainNames, type Levels, type Pattern, type PatternLevel } from '../core/index.ts'

/** Levels as people read and type them: UTF-8, dots between. */
export const nameText = (levels: Levels): string => levelUtf8(plainNames.encode(levels))
export const parseName = (text: string): Levels => plainNames.decode(levelOfUtf8(text))

/** `orders.*.new`, `orders.#`: `*` is one level, `#` any number of them, none included. */
export function parsePattern(text: string): Pattern {
  return { levels: parseName(text).map(wildcard) }
}

function wildcard(level: string): PatternLevel {
  if (level === '*') return { any: 'one' }
  return level === '#' ? { any: 'rest' } : level
}

/**
 * Does the pattern match this name? For filters of listings; routing has its own way for many patterns. Level by level of
 * the pattern, with all the places of the name that it can have come to: many `#` cost no more than their number.
 */
export function matches(pattern: readonly PatternLevel[], name: Levels): boolean {
  let places = new Array<boolean>(name.length + 1).fill(false)
  places[0] = true
  for (const level of pattern) {
    const next = new Array<boolean>(name.length + 1).fill(false)
    let before = false
    for (let at = 0; at <= name.length; at++) {
      if (typeof level === 'object' && level.any !== 'one') {
        next[at] = before || (level.any === 'rest' && places[at]!)
        before ||= places[at]!
      } else {
        next[at] = at > 0 && places[at - 1]! && (typeof level === 'object' || level === name[at - 1])
      }
    }
    places = next
  }
  return places[name.length]!
}
