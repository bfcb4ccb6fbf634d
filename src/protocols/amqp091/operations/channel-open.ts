import type { Connection } from '../connection.ts'
import { refuse } from '../errors.ts'

export function channelOpen(connection: Connection, number: number): void {
  if (connection.channels.has(number)) refuse('CHANNEL_ERROR', "second 'channel.open' seen")
  if (number > connection.channelMax) {
    refuse(
      'NOT_ALLOWED',
      `number of channels opened (${number}) has reached the negotiated channel_max (${connection.channelMax})`,
    )
  }
  const channel = connection.openChannel(number)
  const { link } = connection
  link.outbox.push(() => {
    if (!channel.muted) link.method(number, 'channel.open-ok', { channelId: Buffer.alloc(0) })
  })
}
