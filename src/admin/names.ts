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

/** Does the pattern match this name? For filters of listings; routing has its own, faster way. */
export function matches(pattern: readonly PatternLevel[], name: Levels, from = 0, at = 0): boolean {
  if (from === pattern.length) return at === name.length
  const level = pattern[from]
  if (typeof level === 'object' && level.any !== 'one') {
    const least = level.any === 'rest1' ? at + 1 : at
    for (let next = least; next <= name.length; next++) if (matches(pattern, name, from + 1, next)) return true
    return false
  }
  if (at === name.length) return false
  return (typeof level === 'object' || level === name[at]) && matches(pattern, name, from + 1, at + 1)
}
