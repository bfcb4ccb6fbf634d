import type { Entry, SpaceSpec } from '../../../core/index.ts'
import { levelOfUtf8 } from '../../../core/index.ts'
import { refuse } from '../errors.ts'
import type { Link } from '../link.ts'
import { spaceName, stripLineEnds } from '../names.ts'
import { argument, argumentsJson, inequivalent, inequivalentArgument, textOf, typeName } from '../topology/arguments.ts'
import {
  exchangeAttributes,
  exchangeFacts,
  exchangeTypes,
  type ExchangeFacts,
  type ExchangeType,
} from '../topology/exchange-facts.ts'
import { inVhost } from '../topology/queue-facts.ts'
import type { Args } from '../wire/index.ts'
import { replySettled, replyWhen, type ChannelOperation } from './reply.ts'

type Declare = Args<'exchange.declare'>

export const exchangeDeclare: ChannelOperation<Declare> = (connection, channel, args) => {
  const { link } = connection
  const name = stripLineEnds(args.exchange)
  if (name === '') refuse('ACCESS_REFUSED', 'operation not permitted on the default exchange')
  const declareOk = (): void => {
    if (!args.nowait) link.method(channel.number, 'exchange.declare-ok', {})
  }
  const space = link.broker.findSpace(link.namespace, spaceName(name))
  if (args.passive) {
    if (space === undefined) refuse('NOT_FOUND', `no ${inVhost(link, 'exchange', name)}`)
    replySettled(connection, channel, declareOk)
    return
  }
  const type = exchangeType(args.type)
  if (space !== undefined) {
    checkEquivalent(link, name, space, args, type)
    replySettled(connection, channel, declareOk)
    return
  }
  if (name.startsWith('amq.')) refuse('ACCESS_REFUSED', `exchange name '${name}' contains reserved prefix 'amq.*'`)
  replyWhen(connection, channel, link.broker.define([spaceSpec(link, name, args, type)], 'create'), declareOk)
}

function exchangeType(type: string): ExchangeType {
  const known = exchangeTypes.find((each) => each === type)
  return known ?? refuse('PRECONDITION_FAILED', `unknown exchange type '${type}'`)
}

function checkEquivalent(link: Link, name: string, space: Entry<SpaceSpec>, args: Declare, type: ExchangeType): void {
  const current = exchangeFacts(space)
  const of = inVhost(link, 'exchange', name)
  const check = (field: string, received: unknown, is: unknown): void => {
    if (received !== is) refuse('PRECONDITION_FAILED', inequivalent(field, received, is, of))
  }
  check('type', type, current.type)
  check('durable', args.durable, current.durable)
  check('auto_delete', args.autoDelete, current.autoDelete)
  check('internal', args.internal, current.internal)
  const differs = inequivalentArgument(['alternate-exchange'], argumentsJson(args.arguments), current.arguments, of)
  if (differs !== undefined) refuse('PRECONDITION_FAILED', differs)
}

function spaceSpec(link: Link, name: string, args: Declare, type: ExchangeType): SpaceSpec {
  const { durable, autoDelete, internal } = args
  const facts: ExchangeFacts = { type, durable, autoDelete, internal, arguments: argumentsJson(args.arguments) }
  const alternate = argument(args.arguments, 'alternate-exchange')
  const alternateName = textOf(alternate)
  if (alternate !== undefined && alternateName === undefined) {
    const of = inVhost(link, 'exchange', name)
    refuse('PRECONDITION_FAILED', `invalid type '${typeName(alternate)}' for arg 'alternate-exchange' in ${of}`)
  }
  return {
    kind: 'space',
    namespace: link.namespace,
    name: spaceName(name),
    ...(alternateName === undefined ? undefined : { alternate: spaceName(levelOfUtf8(alternateName)) }),
    ...(autoDelete ? { lifetime: { lastRoute: true } } : undefined),
    attributes: exchangeAttributes(facts),
    tags: { by: 'amqp' },
  }
}
