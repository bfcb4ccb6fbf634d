/** Records that are gone: offsets `first` to `last` of a partition. */
export interface LostRange {
  partition: number
  first: number
  last: number
}

/** One thing that is not as it was written. */
export interface Finding {
  /** Relative to the data folder. */
  file: string
  position: number
  /** How many bytes are bad, as far as one can tell. */
  bytes: number
  detail: string
  /**
   * `loss`: records are gone. `repairable`: nothing is lost, what is bad can be made again. `note`: not damage, but
   * worth knowing (a torn tail that was never acknowledged, an orphan).
   */
  severity: 'loss' | 'repairable' | 'note'
  lost: LostRange[]
}

export const finding = (
  severity: Finding['severity'],
  file: string,
  position: number,
  bytes: number,
  detail: string,
  lost: LostRange[] = [],
): Finding => ({ file, position, bytes, detail, severity, lost })

/** Joins ranges of one partition that touch, so that a thousand extents in a row read as one line. */
export function joinRanges(ranges: readonly LostRange[]): LostRange[] {
  const joined: LostRange[] = []
  for (const range of [...ranges].sort((a, b) => a.partition - b.partition || a.first - b.first)) {
    const before = joined[joined.length - 1]
    if (before !== undefined && before.partition === range.partition && range.first <= before.last + 1) {
      before.last = Math.max(before.last, range.last)
    } else {
      joined.push({ ...range })
    }
  }
  return joined
}
