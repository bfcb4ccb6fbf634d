import { refuse } from '../errors.ts'
import { spaceName, stripLineEnds } from '../names.ts'
import { findBinding } from '../topology/bindings.ts'
import type { Args } from '../wire/index.ts'
import { replySettled, replyWhen, type ChannelOperation } from './reply.ts'

/** A binding that is not there is gone already. */
export const exchangeUnbind: ChannelOperation<Args<'exchange.unbind'>> = (connection, channel, args) => {
  const { link } = connection
  if (args.source === '' || args.destination === '') {
    refuse('ACCESS_REFUSED', 'operation not permitted on the default exchange')
  }
  const unbindOk = (): void => {
    if (!args.nowait) link.method(channel.number, 'exchange.unbind-ok', {})
  }
  const source = link.broker.findSpace(link.namespace, spaceName(stripLineEnds(args.source)))
  const destination = link.broker.findSpace(link.namespace, spaceName(stripLineEnds(args.destination)))
  const route = source && destination && findBinding(link, source.id, destination.id, args.routingKey, args.arguments)
  if (route === undefined) replySettled(connection, channel, unbindOk)
  else replyWhen(connection, channel, link.broker.drop([{ id: route }]), unbindOk)
}
