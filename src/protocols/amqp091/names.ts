import {
  addressPrefix,
  levelOfUtf8,
  nameCodec,
  type Levels,
  type PatternLevel,
  type ReplyTo,
} from '../../core/index.ts'

/**
 * Names and routing keys: `.` separates levels, every other byte stands for itself, a `.` inside a level is `%2E`.
 * So MQTT's `a.b/c` is the routing key `a%2Eb.c` here, and a queue `orders.eu` is Kafka's topic `orders.eu`.
 */
const codec = nameCodec({ separator: '.', allowed: () => true, escape: '%' })

/** The empty key has no levels at all: `*` does not match it, `#` does. */
export const decodeName = (name: string): Levels => (name === '' ? [] : codec.decode(name))
export const encodeName = (levels: Levels): string => codec.encode(levels)

/** A topic binding's key: `*` is one level, `#` any number. */
export function topicPattern(key: string): PatternLevel[] {
  if (key === '') return []
  return key.split('.').map((word) => {
    if (word === '*') return { any: 'one' }
    if (word === '#') return { any: 'rest' }
    return codec.decode(word)[0]!
  })
}

/** The shared space is called '' in the core, and is `amq.topic` here. */
export const sharedExchange = 'amq.topic'
export const spaceName = (exchange: string): string =>
  exchange === sharedExchange ? '' : Buffer.from(exchange, 'latin1').toString('utf8')
export const exchangeName = (space: string): string => (space === '' ? sharedExchange : levelOfUtf8(space))

export const directReplyTo = 'amq.rabbitmq.reply-to'
const directReplyPrefix = `${directReplyTo}.`

/** Where a name that is used with the default exchange leads: to a log, or to an address of the shared space. */
export function destinationOf(name: string): ReplyTo {
  if (name.startsWith(addressPrefix)) return { kind: 'address', name: decodeName(name.slice(addressPrefix.length)) }
  return { kind: name.startsWith(directReplyPrefix) ? 'address' : 'log', name: decodeName(name) }
}

/** The other way round: a reply-to that answers to it. */
export function destinationName(to: ReplyTo): string {
  const name = encodeName(to.name)
  return to.kind === 'log' || name.startsWith(directReplyPrefix) ? name : addressPrefix + name
}

/** Names may not hold line ends; they are taken out, as RabbitMQ does. */
export const stripLineEnds = (name: string): string => (/[\r\n]/.test(name) ? name.replace(/[\r\n]/g, '') : name)
