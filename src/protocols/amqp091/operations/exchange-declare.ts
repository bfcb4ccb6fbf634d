import type { Entry, SpaceSpec } from '../../../core/index.ts'
import { levelOfUtf8 } from '../../../core/index.ts'
import { refuse } from '../errors.ts'
import type { Link } from '../link.ts'
import { spaceName, stripLineEnds } from '../names.ts'
import { argument, argumentsJson, inequivalent, inequivalentArgument, textOf, typeName } from '../topology/arguments.ts'
import {
  delayedType,
  exchangeAttributes,
  exchangeFacts,
  exchangeTypes,
  type ExchangeFacts,
  type ExchangeType,
  typeText,
} from '../topology/exchange-facts.ts'
import { inVhost } from '../topology/queue-facts.ts'
import type { Args } from '../wire/index.ts'
import { replySettled, replyWhen, type ChannelOperation } from './reply.ts'

type Declare = Args<'exchange.declare'>

const delayedArgument = 'x-delayed-type'
const compared = ['alternate-exchange', delayedArgument]

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
  const type = exchangeType(args)
  if (space !== undefined) {
    checkEquivalent(link, name, space, args)
    replySettled(connection, channel, declareOk)
    return
  }
  if (name.startsWith('amq.')) refuse('ACCESS_REFUSED', `exchange name '${name}' contains reserved prefix 'amq.*'`)
  replyWhen(connection, channel, link.broker.define([spaceSpec(link, name, args, type)], 'create'), declareOk)
}

/** How it routes; an exchange that delays says so in an argument. */
function exchangeType(args: Declare): ExchangeType {
  const delayed = args.type === delayedType
  const type = delayed ? textOf(argument(args.arguments, delayedArgument)) : args.type
  const known = exchangeTypes.find((each) => each === type)
  if (known !== undefined) return known
  if (!delayed) refuse('PRECONDITION_FAILED', `unknown exchange type '${args.type}'`)
  return refuse('PRECONDITION_FAILED', `Invalid argument, '${delayedArgument}' must be an existing exchange type`)
}

function checkEquivalent(link: Link, name: string, space: Entry<SpaceSpec>, args: Declare): void {
  const current = exchangeFacts(space)
  const of = inVhost(link, 'exchange', name)
  const check = (field: string, received: unknown, is: unknown): void => {
    if (received !== is) refuse('PRECONDITION_FAILED', inequivalent(field, received, is, of))
  }
  check('type', args.type, typeText(current))
  check('durable', args.durable, current.durable)
  check('auto_delete', args.autoDelete, current.autoDelete)
  check('internal', args.internal, current.internal)
  const differs = inequivalentArgument(compared, argumentsJson(args.arguments), current.arguments, of)
  if (differs !== undefined) refuse('PRECONDITION_FAILED', differs)
}

function spaceSpec(link: Link, name: string, args: Declare, type: ExchangeType): SpaceSpec {
  const { durable, autoDelete, internal } = args
  const delayed = args.type === delayedType
  const facts: ExchangeFacts = {
    type,
    delayed,
    durable,
    autoDelete,
    internal,
    arguments: argumentsJson(args.arguments),
  }
  const alternate = argument(args.arguments, 'alternate-exchange')
  const alternateName = textOf(alternate)
  if (alternate !== undefined && alternateName === undefined) {
    const of = inVhost(link, 'exchange', name)
    refuse('PRECONDITION_FAILED', `invalid type '${typeName(alternate)}' for arg 'alternate-exchange' in ${of}`)
  }
  const lifetime = {
    ...(durable ? undefined : { owner: link.transients }),
    ...(autoDelete ? { lastRoute: true } : undefined),
  }
  return {
    kind: 'space',
    namespace: link.namespace,
    name: spaceName(name),
    ...(alternateName === undefined ? undefined : { alternate: spaceName(levelOfUtf8(alternateName)) }),
    ...(Object.keys(lifetime).length > 0 ? { lifetime } : undefined),
    attributes: exchangeAttributes(facts),
    tags: { by: 'amqp' },
  }
}
