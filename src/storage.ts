import type { Outcome } from './base/index.ts'
import type { Broker } from './core/index.ts'
import type { Store } from './log/index.ts'
import type { Logger, Settings } from './server/index.ts'

/** The core over its log, open. */
export interface Storage {
  broker: Broker
  store: Store
  close(): Promise<void>
}

/** Opens the data folder (or memory), recovers what is there, and puts the core on it. */
export async function openStorage(_settings: Settings, _log: Logger): Promise<Outcome<Storage>> {
  return Promise.resolve({ error: 'unavailable', detail: 'there is no core yet' })
}
