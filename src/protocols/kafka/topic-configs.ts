/** Topic configurations: those that mean something here, their defaults, and how they are checked and shown. */
import type { KafkaSettings } from './settings.ts'

/** Types of the DescribeConfigs response (KIP-569). */
const type = { string: 2, int: 3, long: 5, list: 7 } as const
/** Sources of a value (KIP-226). */
const source = { topic: 1, default: 5 } as const

interface Known {
  type: number
  byDefault(settings: KafkaSettings): string
  /** What a value must look like, and how large it may be. */
  valid: RegExp
  most?: bigint
}

const [intMax, longMax] = [2n ** 31n - 1n, 2n ** 63n - 1n]

const rules: Readonly<Record<string, Known>> = {
  'cleanup.policy': {
    type: type.list,
    byDefault: () => 'delete',
    valid: /^(delete|compact|compact, ?delete|delete, ?compact)$/,
  },
  'compression.type': { type: type.string, byDefault: () => 'producer', valid: /^producer$/ },
  'max.message.bytes': {
    type: type.int,
    byDefault: (all) => String(all.messageBytesMax),
    valid: /^\d{1,10}$/,
    most: intMax,
  },
  'message.timestamp.type': { type: type.string, byDefault: () => 'CreateTime', valid: /^CreateTime$/ },
  'min.insync.replicas': { type: type.int, byDefault: () => '1', valid: /^1$/ },
  'retention.bytes': { type: type.long, byDefault: () => '-1', valid: /^(-1|\d{1,19})$/, most: longMax },
  'retention.ms': {
    type: type.long,
    byDefault: (all) => String(all.retentionMs),
    valid: /^(-1|\d{1,19})$/,
    most: longMax,
  },
}
/** A map, since names come from clients, who may ask for `constructor`. */
const known: ReadonlyMap<string, Known> = new Map(Object.entries(rules))

/** Taken, kept and shown, and without effect: they tune how Kafka stores, which is not how it is stored here. */
const withoutEffect = new Set([
  'delete.retention.ms',
  'file.delete.delay.ms',
  'flush.messages',
  'flush.ms',
  'index.interval.bytes',
  'max.compaction.lag.ms',
  'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms',
  'message.timestamp.difference.max.ms',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'preallocate',
  'segment.bytes',
  'segment.index.bytes',
  'segment.jitter.ms',
  'segment.ms',
  'unclean.leader.election.enable',
])

/** In words what is wrong with these, or null. */
export function topicConfigsProblem(configs: readonly { name: string; value: string | null }[]): string | null {
  for (const { name, value } of configs) {
    const rule = known.get(name)
    if (rule === undefined && !withoutEffect.has(name)) return `unknown topic config name: ${name}`
    if (value === null || rule === undefined) continue
    const fits = rule.valid.test(value) && (rule.most === undefined || BigInt(value) <= rule.most)
    if (!fits) return `invalid or unsupported value ${value} for ${name}`
  }
  return null
}

/** Undefined: not a list, or not a name that is known. */
export function defaultList(name: string, settings: KafkaSettings): string | undefined {
  const rule = known.get(name)
  return rule?.type === type.list ? rule.byDefault(settings) : undefined
}

/** All that apply to a topic, its own first; `only` picks by name, of no names all. */
export function describeTopicConfigs(
  own: Readonly<Record<string, string>>,
  settings: KafkaSettings,
  only: readonly string[] | null,
) {
  const names = new Set([...known.keys(), ...Object.keys(own)])
  const shown = [...names].filter((name) => isAskedFor(name, only))
  return shown.map((name) => {
    const value = own[name] ?? known.get(name)?.byDefault(settings) ?? null
    const configSource = own[name] === undefined ? source.default : source.topic
    const configType = known.get(name)?.type ?? type.string
    const synonyms = [{ name, value, source: configSource }]
    return { name, value, readOnly: false, isSensitive: false, configSource, configType, synonyms, documentation: null }
  })
}

export const isAskedFor = (name: string, only: readonly string[] | null): boolean =>
  only === null || only.length === 0 || only.includes(name)
