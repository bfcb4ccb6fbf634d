/**
 * Topics and logs. A Kafka topic is a bound log: its name is a list of levels, and the same levels are its address in
 * the shared space. Every log whose name fits Kafka's alphabet is seen as a topic, whoever made it.
 */
import type { Broker, Defined, Entry, Id, Keep, LogSpec } from '../../core/index.ts'
import { nameCodec } from '../../core/index.ts'
import type { Outcome } from '../../base/index.ts'
import { autoCreatedMax, partitionsMax } from './limits.ts'
import type { KafkaSettings } from './settings.ts'
import { ZERO_UUID } from './wire/schema.ts'

export type Topic = Entry<LogSpec>

/** `.` separates levels; what is not a letter, digit, `_` or `-` stands as `_xHH`. */
export const topicNames = nameCodec({
  separator: '.',
  allowed: (char) => /[A-Za-z0-9_-]/.test(char),
  escape: '_x',
})

/** How the names of logs begin that protocols keep for themselves: `$`, escaped. */
const reserved = topicNames.encode(['$'])

/** Kafka's rule for topic names (`.` and `..` are taken by file systems), and not one of a log that nobody may see. */
export function isTopicName(name: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..' && !name.startsWith(reserved)
}

/** The first half of every topic id; the second is the log's id, which is never given twice. */
const topicIdPrefix = Buffer.from('dragoman').toString('hex')

export function topicIdOf(log: Id): string {
  return topicIdPrefix + log.toString(16).padStart(16, '0')
}

function logIdOf(topicId: string): Id | null {
  if (!topicId.startsWith(topicIdPrefix)) return null
  const id = parseInt(topicId.slice(topicIdPrefix.length), 16)
  return Number.isSafeInteger(id) ? id : null
}

/** Who else made it, as its tag says: then it is not Kafka's to change. Null: Kafka did. */
export function otherMaker(topic: Topic): string | null {
  const maker = topic.spec.tags?.['by'] ?? 'another protocol'
  return maker === 'kafka' ? null : maker
}

export interface NewTopic {
  name: string
  partitions: number
  /** Topic configurations as given; see `operations/topic-configs.ts`. */
  configs: Readonly<Record<string, string>>
}

export class Topics {
  private readonly broker: Broker
  private readonly namespace: Id
  private readonly settings: KafkaSettings

  constructor(broker: Broker, namespace: Id, settings: KafkaSettings) {
    this.broker = broker
    this.namespace = namespace
    this.settings = settings
  }

  find(name: string): Topic | undefined {
    return isTopicName(name) ? this.broker.findLog(this.namespace, topicNames.decode(name)) : undefined
  }

  byId(topicId: string): Topic | undefined {
    const id = logIdOf(topicId)
    return id === null ? undefined : this.byLog(id)
  }

  /** Of this namespace, and one that Kafka can see. */
  byLog(id: Id): Topic | undefined {
    const entry = this.broker.get(id)
    if (entry?.spec.kind !== 'log' || entry.spec.namespace !== this.namespace) return undefined
    return this.nameOf(entry as Topic) === null ? undefined : (entry as Topic)
  }

  /** By the id where the version speaks of ids, else by name. */
  named(by: { name: string | null; topicId: string }): Topic | undefined {
    return by.topicId === ZERO_UUID ? this.find(by.name ?? '') : this.byId(by.topicId)
  }

  /** Null: Kafka does not see this log, whose name does not fit its length or is a protocol's own. */
  nameOf(topic: Topic): string | null {
    const name = topicNames.encode(topic.spec.name)
    return isTopicName(name) ? name : null
  }

  all(): Topic[] {
    return this.broker.list('log', this.namespace).filter((log) => this.nameOf(log) !== null)
  }

  hasPartition(topic: Topic, partition: number): boolean {
    return partition >= 0 && partition < this.partitions(topic)
  }

  /** Of a queue with priorities one for each, whether somebody has used it or not. */
  partitions(topic: Topic): number {
    return topic.spec.lanes === undefined ? topic.spec.partitions : topic.spec.lanes + 1
  }

  /** Takes effect at once: `find` sees the topic before the promise resolves, which is when it may be told. */
  define(topic: NewTopic, mode: 'create' | 'ensure'): Promise<Outcome<Defined>> {
    const name = topicNames.decode(topic.name)
    const spec: LogSpec = {
      kind: 'log',
      namespace: this.namespace,
      name,
      bound: name,
      partitions: topic.partitions,
      keep: keepOf(topic.configs, this.settings),
      attributes: { kafka: topic.configs },
      tags: { by: 'kafka' },
    }
    return this.broker.define([spec], mode).then((defined) => defined[0]!)
  }

  /** How many topics one Metadata or Produce request may make. */
  get autoCreatedMax(): number {
    return Math.min(autoCreatedMax, Math.floor(partitionsMax / this.settings.partitions))
  }

  autoCreate(name: string): Promise<Outcome<Defined>> {
    return this.define({ name, partitions: this.settings.partitions, configs: {} }, 'ensure')
  }

  /** The configurations that were set on the topic itself. */
  configsOf(topic: Topic): Readonly<Record<string, string>> {
    const attributes = topic.spec.attributes as { kafka?: Record<string, string> } | null | undefined
    return attributes?.kafka ?? {}
  }

  messageBytesMax(topic: Topic): number {
    return Number(this.configsOf(topic)['max.message.bytes'] ?? this.settings.messageBytesMax)
  }
}

/** `retention.ms`, `retention.bytes` and `cleanup.policy`, as the log keeps them. */
export function keepOf(configs: Readonly<Record<string, string>>, settings: KafkaSettings): Keep {
  const policies = (configs['cleanup.policy'] ?? 'delete').split(',').map((policy) => policy.trim())
  const keep: Keep = {}
  if (policies.includes('compact')) keep.perKey = true
  if (!policies.includes('delete')) return keep
  const ageMs = Number(configs['retention.ms'] ?? settings.retentionMs)
  const bytes = Number(configs['retention.bytes'] ?? -1)
  if (ageMs >= 0 && ageMs <= Number.MAX_SAFE_INTEGER) keep.ageMs = ageMs
  if (bytes >= 0) keep.bytes = bytes
  return keep
}
