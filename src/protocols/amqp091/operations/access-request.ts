import type { Args } from '../wire/index.ts'
import type { ChannelOperation } from './reply.ts'

/** Of an older revision; old clients ask still, and the answer has always been ticket 1. */
export const accessRequest: ChannelOperation<Args<'access.request'>> = ({ link }, channel) => {
  link.outbox.push(() => link.method(channel.number, 'access.request-ok', { ticket: 1 }))
}
