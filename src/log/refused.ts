import type { Failure } from '../base/index.ts'

/** The data folder cannot be opened as it is; `failure` says why and what to do. */
export class StoreRefused extends Error {
  override name = 'StoreRefused'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.detail)
    this.failure = failure
  }
}

/** Thrown for what a newer release has stored: to guess at it, or to skip it, could lose what it says. */
export const writtenByNewer = (what: string): StoreRefused =>
  new StoreRefused({
    error: 'unsupported',
    detail: `${what}: a newer release wrote it; start that one, or a newer one`,
  })

export const inMemory: Failure = {
  error: 'unsupported',
  detail: 'this broker keeps its data in memory: there is no folder to copy',
}
export const fullFailure: Failure = { error: 'full', detail: 'no space on the disk for another journal slot' }
