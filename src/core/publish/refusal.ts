import type { Failure } from '../../base/index.ts'
import type { PublishOk } from '../facade/index.ts'

/** Why some log did not take this record of a publish; undefined: all did that it was for. */
export function refusalOf({ refused }: PublishOk, record: number): Failure | undefined {
  return refused?.find(({ runs }) => covers(runs, record))?.failure
}

function covers(runs: readonly number[], record: number): boolean {
  for (let r = 0; r < runs.length; r += 2) if (record >= runs[r]! && record < runs[r]! + runs[r + 1]!) return true
  return false
}
