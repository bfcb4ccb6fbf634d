import type { Pattern, PatternLevel } from '../../facade/index.ts'
import type { Levels } from '../../names.ts'

/** What each wildcard means, said once more. */
export function matchesLevels(pattern: readonly PatternLevel[], levels: Levels): boolean {
  const [first, ...others] = pattern
  if (first === undefined) return levels.length === 0
  if (typeof first === 'string') return levels[0] === first && matchesLevels(others, levels.slice(1))
  if (first.any === 'one') return levels.length > 0 && matchesLevels(others, levels.slice(1))
  for (let taken = first.any === 'rest1' ? 1 : 0; taken <= levels.length; taken++) {
    if (matchesLevels(others, levels.slice(taken))) return true
  }
  return false
}

export function matchesPattern(p: Pattern, levels: Levels): boolean {
  if (p.dollarHidden === true && typeof p.levels[0] === 'object' && levels[0]?.startsWith('$') === true) return false
  return matchesLevels(p.levels, levels)
}
