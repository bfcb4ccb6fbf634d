import type { Broker, DeadLetter, Entry, Id, LogSpec, PatternLevel, SubscriptionSpec } from '../core/index.ts'
import { formatEndpoint } from '../server/index.ts'
import { matches, nameText, parsePattern } from './names.ts'
import type { AdminOptions, QueueAnswer, StatusAnswer, SubscriptionAnswer, TopicAnswer } from './types.ts'

export function status(
  { broker, store, server, clock, version, ready }: AdminOptions,
  startedAt: number,
): StatusAnswer {
  const { health } = store()
  const listenerMetrics = server.metrics().listeners
  return {
    version,
    uptimeMs: Math.round(clock.monotonic() - startedAt),
    ready: ready(),
    health: 'failure' in health ? { state: health.state, detail: health.failure.detail } : { state: health.state },
    listeners: server.bound().map(({ name, host, port }) => {
      return { name, address: formatEndpoint({ host, port }), ...listenerMetrics[name] }
    }),
    core: broker.metrics(),
    storage: store().metrics(),
  }
}

type Filter = readonly PatternLevel[] | undefined

export const filterOf = (query: URLSearchParams): Filter => {
  const text = query.get('pattern')
  return text === null ? undefined : parsePattern(text).levels
}

const madeBy = (entry: Entry): string => entry.spec.tags?.by ?? ''

export function topics(broker: Broker, namespace: Id, filter: Filter): TopicAnswer[] {
  return broker
    .list('log', namespace)
    .filter(({ spec }) => filter === undefined || matches(filter, spec.name))
    .map((entry) => topicOf(broker, entry))
}

function topicOf(broker: Broker, entry: Entry<LogSpec>): TopicAnswer {
  const partitions = broker
    .bounds(entry.id)
    .map(({ partition, start, end, bytes }) => ({ partition, start, end, bytes }))
  return {
    name: nameText(entry.spec.name),
    bound: entry.spec.bound === undefined ? null : nameText(entry.spec.bound),
    madeBy: madeBy(entry),
    partitions,
    records: partitions.reduce((sum, { start, end }) => sum + end - start, 0),
    bytes: partitions.reduce((sum, { bytes }) => sum + bytes, 0),
    retentionMs: entry.spec.keep?.ageMs ?? null,
  }
}

export function queues(broker: Broker, namespace: Id, filter: Filter): QueueAnswer[] {
  return subscriptionsOf(broker, namespace, filter)
    .filter(({ entry }) => entry.spec.mode === 'leased' && entry.spec.name === '')
    .map(({ entry, log }) => {
      const { deadLetter } = entry.spec.policy ?? {}
      return {
        name: nameText(log.spec.name),
        madeBy: madeBy(log),
        ...broker.stats(entry.id),
        deadLetter: deadLetter === undefined ? null : deadLetterText(deadLetter),
      }
    })
}

export function deadLetterText(target: DeadLetter): string {
  if (target.to === 'log') return target.name === undefined ? 'by routing key' : nameText(target.name)
  return `exchange ${target.space}${target.levels === undefined ? '' : ` ${nameText(target.levels)}`}`
}

export function subscriptions(broker: Broker, namespace: Id, filter: Filter): SubscriptionAnswer[] {
  return subscriptionsOf(broker, namespace, filter).map(({ entry, log }) => {
    const { name, mode } = entry.spec
    const { ready, leased, delayed, consumers } = broker.stats(entry.id)
    const lag = mode === 'leased' ? ready + leased + delayed : positionalLag(broker, log.id, name)
    return { log: nameText(log.spec.name), name, mode, consumers, lag }
  })
}

/** Records between what was committed and the end; counted in offsets, so holes count too. */
export function positionalLag(broker: Broker, log: Id, name: string): number {
  const committed = new Map(broker.positions(log, name).map(({ partition, offset }) => [partition, offset]))
  let lag = 0
  for (const { partition, start, end } of broker.bounds(log)) {
    lag += end - Math.min(Math.max(committed.get(partition) ?? start, start), end)
  }
  return lag
}

export interface OfLog {
  entry: Entry<SubscriptionSpec>
  log: Entry<LogSpec>
}

/** Every subscription with its log. */
export function subscriptionsOf(broker: Broker, namespace: Id, filter?: Filter): OfLog[] {
  const found: OfLog[] = []
  for (const entry of broker.list('subscription', namespace)) {
    const { log } = entry.spec
    const owner = typeof log === 'number' ? broker.get(log) : broker.findLog(log.namespace, log.name)
    if (owner?.spec.kind !== 'log') continue
    if (filter !== undefined && !matches(filter, owner.spec.name)) continue
    found.push({ entry, log: owner as Entry<LogSpec> })
  }
  return found
}
