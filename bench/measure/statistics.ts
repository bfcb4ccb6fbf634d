/** Of an even count the upper of the two in the middle, so that it is always a value that was measured. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** The value that `share` of all values do not exceed; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

export interface Spread {
  median: number
  min: number
  max: number
  count: number
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), count: values.length }
}

/**
 * Ours through theirs, run by run: the two of a pair ran one after the other, so what slowed the machine down meanwhile
 * slowed both. The median of these ratios is the result, not the ratio of two medians.
 */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): Spread {
  const pairs = Math.min(ours.length, theirs.length)
  return spreadOf(Array.from({ length: pairs }, (_, pair) => ours[pair]! / theirs[pair]!))
}
