import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Tool } from '../support/index.ts'
import type { Bystander } from './bystander.ts'
import type { Flags } from './load.ts'
import { Scene, sleep } from './scene.ts'

/** What a case reports: one line of the table. */
export interface Row {
  /** What was asked of the broker. */
  asked: string
  /** What the broker said, and by which means. */
  told?: string
  /** How long until everything was as before. */
  recovery?: string
  /** Anything else that was measured. */
  more?: string
}

export interface Case {
  name: string
  run(stage: Stage): Promise<Row>
}

/**
 * What the broker itself works with beside what clients make it hold, as docs/running.md promises: tail, block cache and
 * index, read-ahead, garbage and free memory.
 */
export const workingMb = 56 + 180

/** Beside those: what so many of each take at the most, MB, as docs/running.md says. */
export const othersMb = ({ connections = 0, queues = 0, unacknowledged = 0 }): number =>
  (connections * 35 * 1024 + queues * 20 * 1024 + unacknowledged * 150) / 1024 / 1024

export interface StageOptions {
  /** `DRAGOMAN_...` settings. */
  settings?: Record<string, string>
  env?: Record<string, string>
}

/** Room for one case: sizes, the scene, and what all cases check. */
export class Stage {
  readonly t: TestContext
  readonly full: boolean
  private readonly tool: Tool
  scene!: Scene
  readonly bystanders: Bystander[] = []

  constructor(t: TestContext, tool: Tool, full: boolean) {
    this.t = t
    this.tool = tool
    this.full = full
  }

  /** The size in the default run, and that of the full one. */
  size(short: number, full: number): number {
    return this.full ? full : short
  }

  async open({ settings = {}, env = {} }: StageOptions = {}): Promise<Scene> {
    const named = Object.entries(settings).map(([key, value]) => [`DRAGOMAN_${key}`, value] as const)
    const timeoutMs = this.size(180_000, 3_000_000)
    this.scene = await Scene.open(this.t, { tool: this.tool, timeoutMs, env: { ...env, ...Object.fromEntries(named) } })
    return this.scene
  }

  async bystander(protocol: string, flags: Flags = {}): Promise<Bystander> {
    const bystander = await this.scene.bystander(protocol, flags)
    this.bystanders.push(bystander)
    return bystander
  }

  mark(phase: 'before' | 'during' | 'after' | null): void {
    for (const bystander of this.bystanders) bystander.mark(phase)
  }

  /** Before the load comes, with the bystanders at work. */
  async before(): Promise<void> {
    this.mark('before')
    await sleep(this.size(2000, 15_000))
    this.mark(null)
  }

  /** After the load: with its last messages out of the way. */
  async after(): Promise<void> {
    this.mark(null)
    await sleep(1000)
    this.mark('after')
    await sleep(this.size(2000, 15_000))
    this.mark(null)
  }

  /** RSS has never been above what the broker works with, what it was allowed for clients, and what there was besides. */
  checkMemory(memoryMb: number, others = 0): void {
    const { idleMb, peakMb } = this.scene.memory
    const most = idleMb + workingMb + memoryMb + others
    assert.ok(peakMb <= most, `${peakMb.toFixed(0)} MB at its peak, of ${most.toFixed(0)} allowed`)
  }

  /**
   * Ordinary clients went on: at least so much of their rate, nothing refused, and nothing took longer than `longestMs`,
   * which is for a machine that others use, too.
   */
  checkBystanders(share: number, longestMs: number): void {
    for (const bystander of this.bystanders) {
      assert.equal(bystander.failures, '')
      const during = bystander.delivered('during')
      const text = `${bystander.protocol} beside: ${bystander.text}`
      assert.ok(during.perSecond >= share * bystander.delivered('before').perSecond, text)
      assert.ok(during.maxMs <= longestMs, text)
      assert.ok(bystander.delivered('after').perSecond >= 0.7 * bystander.delivered('before').perSecond, text)
    }
  }

  line(name: string, row: Row): string {
    const { memory } = this.scene
    const memoryText = `RSS ${memory.idleMb.toFixed(0)} idle, ${memory.peakMb.toFixed(0)} peak, ${memory.nowMb.toFixed(0)} MB after`
    const beside = this.bystanders.map((each) => `beside: ${each.text}`)
    const told = row.told === undefined ? [] : [`told: ${row.told}`]
    const recovery = row.recovery === undefined ? [] : [`recovered: ${row.recovery}`]
    const more = row.more === undefined ? [] : [row.more]
    return [`${name}: ${row.asked}`, memoryText, ...beside, ...told, ...recovery, ...more].join(' | ')
  }
}
