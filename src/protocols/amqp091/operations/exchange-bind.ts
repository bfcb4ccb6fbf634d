import { refuse } from '../errors.ts'
import { bindingRoute, requireExchange } from '../topology/bindings.ts'
import type { Args } from '../wire/index.ts'
import { replyWhen, type ChannelOperation } from './reply.ts'

/** Exchange to exchange: what `source` routes so goes on in `destination`, with the same routing key. */
export const exchangeBind: ChannelOperation<Args<'exchange.bind'>> = (connection, channel, args) => {
  const { link } = connection
  if (args.source === '' || args.destination === '') {
    refuse('ACCESS_REFUSED', 'operation not permitted on the default exchange')
  }
  const destination = requireExchange(link, args.destination)
  const source = requireExchange(link, args.source)
  const route = bindingRoute(source, { space: destination.id }, args.routingKey, args.arguments)
  replyWhen(connection, channel, link.broker.define([route], 'ensure'), () => {
    if (!args.nowait) link.method(channel.number, 'exchange.bind-ok', {})
  })
}
