import { refuse } from '../errors.ts'
import { spaceName, stripLineEnds } from '../names.ts'
import { inVhost } from '../topology/queue-facts.ts'
import type { Args } from '../wire/index.ts'
import { replySettled, replyWhen, type ChannelOperation } from './reply.ts'

/** An exchange that is not there is deleted already. */
export const exchangeDelete: ChannelOperation<Args<'exchange.delete'>> = (connection, channel, args) => {
  const { link } = connection
  const name = stripLineEnds(args.exchange)
  if (name === '') refuse('ACCESS_REFUSED', 'operation not permitted on the default exchange')
  const of = inVhost(link, 'exchange', name)
  if (name.startsWith('amq.')) refuse('ACCESS_REFUSED', `deletion of system ${of} not allowed`)
  const deleteOk = (): void => {
    if (!args.nowait) link.method(channel.number, 'exchange.delete-ok', {})
  }
  const space = link.broker.findSpace(link.namespace, spaceName(name))
  if (space === undefined) {
    replySettled(connection, channel, deleteOk)
    return
  }
  const used = link.broker.routes(space.id).some((route) => route.spec.space === space.id)
  if (args.ifUnused && used) refuse('PRECONDITION_FAILED', `${of} in use`)
  replyWhen(connection, channel, link.broker.drop([{ id: space.id }]), deleteOk)
}
