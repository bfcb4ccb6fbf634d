import { test } from 'node:test'
import type { BrokerLimits } from '../options.ts'
import { Stand } from './stage.ts'

type Open = (options?: Partial<BrokerLimits>) => Promise<Stand>

/** The same over the naive store and over the journal on a simulated disk: they may not differ. */
export function onBoth(name: string, run: (open: Open) => Promise<void>): void {
  for (const storage of ['memory', 'journal'] as const) {
    void test(`${name} [${storage}]`, () => run((options = {}) => Stand.open(options, storage)))
  }
}
