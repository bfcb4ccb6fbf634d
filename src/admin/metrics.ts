import type { Broker } from '../core/index.ts'
import type { StoreMetrics } from '../log/index.ts'
import { positionalLag, subscriptionsOf, type OfLog } from './listings.ts'
import { nameText } from './names.ts'
import type { AdminOptions } from './types.ts'

type Labels = Readonly<Record<string, string>>

/** Prometheus' text format, version 0.0.4. */
class Exposition {
  readonly #lines: string[] = []

  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
  }

  sample(name: string, value: number, labels: Labels = {}): void {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`)
    this.#lines.push(`${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}`)
  }

  one(name: string, type: 'counter' | 'gauge', help: string, value: number): void {
    this.family(name, type, help)
    this.sample(name, value)
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`
  }
}

const escapeLabel = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
const numberText = (value: number): string => (value === Infinity ? '+Inf' : String(value))

/** So many subscriptions get lines of their own, those of sessions last: a scrape must stay small, whatever clients create. */
const subscriptionsMax = 2000

export function metricsText({ broker, store, server }: AdminOptions): string {
  const out = new Exposition()
  serverMetrics(out, server.metrics())
  coreMetrics(out, broker)
  storeMetrics(out, store().metrics(), broker.metrics().bytesIn)
  out.one('dragoman_healthy', 'gauge', '1 while the storage takes writes', store().health.state === 'ok' ? 1 : 0)
  subscriptionMetrics(out, broker)
  return out.toString()
}

function serverMetrics(out: Exposition, metrics: ReturnType<AdminOptions['server']['metrics']>): void {
  const { listeners, protocols, memory } = metrics
  const each = (name: string, type: 'counter' | 'gauge', help: string, key: keyof (typeof listeners)[string]): void => {
    out.family(name, type, help)
    for (const [listener, counts] of Object.entries(listeners)) out.sample(name, counts[key], { listener })
  }
  each('dragoman_connections', 'gauge', 'Open client connections', 'connections')
  each('dragoman_connections_total', 'counter', 'Client connections taken', 'connectionsTotal')
  each('dragoman_connections_refused_total', 'counter', 'Client connections refused', 'connectionsRefused')
  each('dragoman_received_bytes_total', 'counter', 'Bytes from clients', 'bytesIn')
  each('dragoman_sent_bytes_total', 'counter', 'Bytes to clients', 'bytesOut')
  each('dragoman_slow_consumers_total', 'counter', 'Connections closed because they did not read', 'slowConsumers')
  each('dragoman_session_failures_total', 'counter', 'Connections closed by a fault of ours', 'crashes')
  const { bytesMax, ...uses } = memory
  out.family('dragoman_client_memory_bytes', 'gauge', 'What clients make the broker hold')
  for (const [use, bytes] of Object.entries(uses)) out.sample('dragoman_client_memory_bytes', bytes, { use })
  out.one('dragoman_client_memory_bytes_max', 'gauge', 'What clients may make the broker hold', bytesMax)
  out.family('dragoman_messages_in_total', 'counter', 'Messages from clients')
  for (const [protocol, counts] of Object.entries(protocols)) {
    out.sample('dragoman_messages_in_total', counts.messagesIn, { protocol })
  }
  out.family('dragoman_messages_out_total', 'counter', 'Messages to clients')
  for (const [protocol, counts] of Object.entries(protocols)) {
    out.sample('dragoman_messages_out_total', counts.messagesOut, { protocol })
  }
}

function coreMetrics(out: Exposition, broker: Broker): void {
  const core = broker.metrics()
  out.one('dragoman_records_in_total', 'counter', 'Records accepted by the core', core.recordsIn)
  out.one('dragoman_records_out_total', 'counter', 'Records delivered by the core', core.recordsOut)
  out.one('dragoman_record_bytes_in_total', 'counter', 'Bytes of records accepted', core.bytesIn)
  out.one('dragoman_unreadable_records', 'gauge', 'Records met by readers whose bytes are damaged', core.unreadable)
  out.one('dragoman_logs', 'gauge', 'Logs', core.logs)
  out.one('dragoman_subscriptions', 'gauge', 'Subscriptions', core.subscriptions)
  out.one('dragoman_sessions', 'gauge', 'Sessions', core.sessions)
  out.one('dragoman_staged_bytes', 'gauge', 'Bytes waiting for their commit', core.stagedBytes)
}

function storeMetrics(out: Exposition, store: StoreMetrics, bytesIn: number): void {
  out.one('dragoman_commits_total', 'counter', 'Commits of the journal', store.commits)
  commitHistogram(out, store)
  out.one('dragoman_journal_bytes_total', 'counter', 'Bytes written to the journal', store.journalBytes)
  out.one('dragoman_settled_bytes_total', 'counter', 'Bytes written again by the cleaner', store.settledBytes)
  out.one('dragoman_live_bytes', 'gauge', 'Bytes that are still needed', store.liveBytes)
  out.one('dragoman_disk_bytes', 'gauge', 'Bytes on disk', store.diskBytes)
  out.one('dragoman_backups', 'gauge', 'Backups being made', store.snapshots)
  out.one('dragoman_backup_held_bytes', 'gauge', 'Bytes on disk that only backups keep', store.snapshotBytes)
  out.one('dragoman_cache_bytes', 'gauge', 'Bytes in the block cache', store.cacheBytes)
  const written = store.journalBytes + store.settledBytes
  out.one('dragoman_write_amplification', 'gauge', 'Bytes written for each byte accepted', ratio(written, bytesIn))
  out.one(
    'dragoman_space_amplification',
    'gauge',
    'Bytes on disk for each byte needed',
    ratio(store.diskBytes, store.liveBytes),
  )
}

const ratio = (a: number, b: number): number => (b === 0 ? 0 : Number((a / b).toFixed(4)))

function commitHistogram(out: Exposition, { commitMs }: StoreMetrics): void {
  const name = 'dragoman_commit_seconds'
  out.family(name, 'histogram', 'From sealing a commit until it is durable')
  let count = 0
  commitMs.counts.forEach((below, index) => {
    count += below
    const bound = commitMs.bounds[index] ?? Infinity
    out.sample(`${name}_bucket`, count, { le: bound === Infinity ? '+Inf' : String(bound / 1000) })
  })
  if (commitMs.counts.length <= commitMs.bounds.length) out.sample(`${name}_bucket`, count, { le: '+Inf' })
  out.sample(`${name}_sum`, commitMs.sum / 1000)
  out.sample(`${name}_count`, count)
}

function subscriptionMetrics(out: Exposition, broker: Broker): void {
  const all = broker
    .list('namespace')
    .flatMap(({ id, spec }) => subscriptionsOf(broker, id).map((each) => ({ ...each, namespace: spec.name })))
  // A thousand devices have a thousand sessions: an alarm is about what outlives them.
  const ofSession = ({ log }: OfLog): boolean => log.spec.lifetime?.owner !== undefined
  const shown = [...all.filter((each) => !ofSession(each)), ...all.filter(ofSession)].slice(0, subscriptionsMax)
  const hidden = all.length - shown.length
  out.one('dragoman_subscriptions_not_shown', 'gauge', 'Subscriptions without lines of their own below', hidden)
  const labelled = shown.map(({ entry, log, namespace }) => {
    return { entry, log, labels: { namespace, log: nameText(log.spec.name), subscription: entry.spec.name } }
  })
  const leased = labelled.filter(({ entry }) => entry.spec.mode === 'leased')
  for (const state of ['ready', 'leased', 'delayed', 'consumers'] as const) {
    out.family(`dragoman_queue_${state}`, 'gauge', `Of a queue: ${state}`)
    for (const { entry, labels } of leased) out.sample(`dragoman_queue_${state}`, broker.stats(entry.id)[state], labels)
  }
  out.family('dragoman_group_lag', 'gauge', 'Records that a consumer group has yet to commit')
  for (const { entry, log, labels } of labelled) {
    if (entry.spec.mode === 'positional')
      out.sample('dragoman_group_lag', positionalLag(broker, log.id, entry.spec.name), labels)
  }
}
