/** Topic configurations: those that mean something here, their defaults, and how they are checked and shown. */
import type { KafkaSettings } from './settings.ts'

/** Types of the DescribeConfigs response (KIP-569). */
const type = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const
/** Sources of a value (KIP-226). */
const source = { topic: 1, default: 5 } as const

interface Known {
  type: number
  /** Absent: it is shown where it was set. */
  byDefault?(settings: KafkaSettings): string
  /** What a value must look like, and how large it may be. */
  valid: RegExp
  most?: bigint
}

const flag: Known = { type: type.boolean, valid: /^(true|false)$/i }
const ratio: Known = { type: type.double, valid: /^(0|0?\.\d{1,20}|1(\.0{1,20})?)$/ }
const int: Known = { type: type.int, valid: /^\d{1,10}$/, most: 2n ** 31n - 1n }
const long: Known = { type: type.long, valid: /^\d{1,19}$/, most: 2n ** 63n - 1n }
const longOrNone: Known = { ...long, valid: /^(-1|\d{1,19})$/ }

const withEffect: Readonly<Record<string, Known>> = {
  'cleanup.policy': {
    type: type.list,
    byDefault: () => 'delete',
    valid: /^(delete|compact|compact, ?delete|delete, ?compact)$/,
  },
  'compression.type': { type: type.string, byDefault: () => 'producer', valid: /^producer$/ },
  'max.message.bytes': { ...int, byDefault: (all) => String(all.messageBytesMax) },
  'message.timestamp.type': { type: type.string, byDefault: () => 'CreateTime', valid: /^CreateTime$/ },
  'min.insync.replicas': { type: type.int, byDefault: () => '1', valid: /^1$/ },
  'retention.bytes': { ...longOrNone, byDefault: () => '-1' },
  'retention.ms': { ...longOrNone, byDefault: (all) => String(all.retentionMs) },
}

/** Taken, kept and shown: they tune how Kafka stores, which is not how it is stored here. */
const withoutEffect: Readonly<Record<string, Known>> = {
  'delete.retention.ms': long,
  'file.delete.delay.ms': long,
  'flush.messages': long,
  'flush.ms': long,
  'index.interval.bytes': int,
  'max.compaction.lag.ms': long,
  'message.timestamp.after.max.ms': long,
  'message.timestamp.before.max.ms': long,
  'message.timestamp.difference.max.ms': long,
  'min.cleanable.dirty.ratio': ratio,
  'min.compaction.lag.ms': long,
  preallocate: flag,
  'segment.bytes': int,
  'segment.index.bytes': int,
  'segment.jitter.ms': long,
  'segment.ms': long,
  'unclean.leader.election.enable': flag,
}
/** A map, since names come from clients, who may ask for `constructor`. */
const known: ReadonlyMap<string, Known> = new Map(Object.entries({ ...withEffect, ...withoutEffect }))

/** The longest value that each version of DescribeConfigs can give back. */
export const configBytesMax = 32_767

/** Names and values may be of any length; what says that they are wrong may not. */
const shown = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}...` : text)

/** In words what is wrong with these, or null. */
export function topicConfigsProblem(configs: readonly { name: string; value: string | null }[]): string | null {
  for (const { name, value } of configs) {
    const rule = known.get(name)
    if (rule === undefined) return `unknown topic config name: ${shown(name)}`
    if (value === null) return `no value for ${name}`
    const fits = rule.valid.test(value) && (rule.most === undefined || BigInt(value) <= rule.most)
    if (!fits) return `invalid or unsupported value ${shown(value)} for ${name}`
  }
  return null
}

/** Undefined: not a list, or not a name that is known. */
export function defaultList(name: string, settings: KafkaSettings): string | undefined {
  const rule = known.get(name)
  return rule?.type === type.list ? rule.byDefault?.(settings) : undefined
}

/** All that apply to a topic, its own first; `only` picks by name, of no names all. */
export function describeTopicConfigs(
  own: Readonly<Record<string, string>>,
  settings: KafkaSettings,
  only: readonly string[] | null,
) {
  const names = new Set([...Object.keys(withEffect), ...Object.keys(own)])
  const asked = [...names].filter((name) => isAskedFor(name, only))
  return asked.map((name) => {
    const value = own[name] ?? known.get(name)?.byDefault?.(settings) ?? null
    const configSource = own[name] === undefined ? source.default : source.topic
    const configType = known.get(name)?.type ?? type.string
    const synonyms = [{ name, value, source: configSource }]
    return { name, value, readOnly: false, isSensitive: false, configSource, configType, synonyms, documentation: null }
  })
}

export const isAskedFor = (name: string, only: readonly string[] | null): boolean =>
  only === null || only.length === 0 || only.includes(name)
