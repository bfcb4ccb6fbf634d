import type { LogState } from '../shard/log-state.ts'
import type { Shard } from '../shard/shard.ts'
import type { Copier } from './copier.ts'

/** Placeholder until dead letters exist. */
export function deadLetterRefused(_shard: Shard, _log: LogState, _copier: Copier, _from: number): void {}
