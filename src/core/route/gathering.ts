import type { Id } from '../facade/index.ts'
import type { Match, Part, Target } from './match.ts'

interface OpenPart {
  runs: number[] | null
  routes: readonly Id[]
}

interface OpenTarget {
  log: Id
  session: Id
  parts: OpenPart[]
  /** Routes that brought the record at hand. */
  routes: Id[]
}

/** Collects, record by record, which target gets what by which routes. */
export class Gathering {
  private readonly count: number
  private readonly logs = new Map<Id, OpenTarget>()
  private readonly sessions = new Map<Id, OpenTarget>()
  private readonly reached = new Set<OpenTarget>()
  private unrouted: number[] | 'all' | null = null

  /** `count`: records in the batch. */
  constructor(count: number) {
    this.count = count
  }

  /** `route` 0: a log's own address, which is not listed. */
  add(log: Id, session: Id, route: Id): void {
    const kind = log !== 0 ? this.logs : this.sessions
    const id = log !== 0 ? log : session
    let target = kind.get(id)
    if (target === undefined) kind.set(id, (target = { log, session, parts: [], routes: [] }))
    this.reached.add(target)
    if (route !== 0) target.routes.push(route)
  }

  /** `record` -1: all of them at once. */
  endRecord(record: number, led: boolean): void {
    if (!led) {
      if (record < 0) this.unrouted = 'all'
      else if (this.unrouted === null) this.unrouted = [record]
      else (this.unrouted as number[]).push(record)
    }
    for (const target of this.reached) {
      const { routes } = target
      target.routes = []
      if (record < 0) target.parts.push({ runs: null, routes })
      else addRecord(target.parts, record, routes)
    }
    this.reached.clear()
  }

  finish(): Match {
    const targets: Target[] = []
    for (const { log, session, parts } of [...this.logs.values(), ...this.sessions.values()]) {
      targets.push({ log, session, parts: parts.map((part) => this.close(part)) })
    }
    const { unrouted } = this
    return { targets, unrouted: Array.isArray(unrouted) && unrouted.length === this.count ? 'all' : unrouted }
  }

  private close({ runs, routes }: OpenPart): Part {
    const whole = runs === null || (runs.length === 2 && runs[1] === this.count)
    return { runs: whole ? null : runs, routes }
  }
}

/** Into the last part if the same routes brought it, so that the parts stay in the order of the records. */
function addRecord(parts: OpenPart[], record: number, routes: readonly Id[]): void {
  const last = parts.at(-1)
  if (last === undefined || !sameIds(last.routes, routes)) {
    parts.push({ runs: [record, 1], routes })
    return
  }
  const runs = last.runs!
  if (runs.at(-2)! + runs.at(-1)! === record) runs[runs.length - 1]!++
  else runs.push(record, 1)
}

const sameIds = (a: readonly Id[], b: readonly Id[]): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i])
