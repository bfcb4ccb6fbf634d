import type { Entry, Json, SpaceSpec } from '../../../core/index.ts'
import type { ArgumentsJson } from './arguments.ts'

export const exchangeTypes = ['direct', 'fanout', 'topic', 'headers'] as const
export type ExchangeType = (typeof exchangeTypes)[number]

/** What exchange.declare said; kept as the space's attributes. */
export interface ExchangeFacts {
  type: ExchangeType
  durable: boolean
  autoDelete: boolean
  internal: boolean
  /** `x-delayed-message` of the type above: header `x-delay` says how long a message waits before it is routed. */
  delayed?: boolean
  arguments: ArgumentsJson
}

/** How a delaying exchange is declared; argument `x-delayed-type` says how it routes. */
export const delayedType = 'x-delayed-message'

export const typeText = (facts: ExchangeFacts): string => (facts.delayed ? delayedType : facts.type)

const shared: ExchangeFacts = { type: 'topic', durable: true, autoDelete: false, internal: false, arguments: [] }

/** A space that somebody else made is a durable topic exchange: so is the shared one. */
export function exchangeFacts(space: Entry<SpaceSpec>): ExchangeFacts {
  const attributes = space.spec.attributes as { amqp?: ExchangeFacts } | undefined
  return attributes?.amqp ?? shared
}

export const exchangeAttributes = (facts: ExchangeFacts): Json => ({ amqp: facts as unknown as Json })

/** Made in each namespace when its first client comes; `amq.topic` is the shared space and always there. */
export const predeclared: Readonly<Record<string, ExchangeFacts>> = {
  'amq.direct': { ...shared, type: 'direct' },
  'amq.fanout': { ...shared, type: 'fanout' },
  'amq.headers': { ...shared, type: 'headers' },
  'amq.match': { ...shared, type: 'headers' },
  'amq.rabbitmq.trace': { ...shared, internal: true },
}
