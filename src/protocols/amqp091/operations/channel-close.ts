import type { Channel } from '../channel.ts'
import type { Connection } from '../connection.ts'

/** Also when we had sent channel.close ourselves and both crossed. */
export function channelClose(connection: Connection, channel: Channel): void {
  if (channel.open) {
    channel.state = 'closed'
    connection.releaseChannel(channel)
  }
  channel.state = 'closed'
  connection.channels.delete(channel.number)
  const { link } = connection
  const agree = (): void => {
    channel.muted = true
    link.method(channel.number, 'channel.close-ok', {})
  }
  link.outbox.after(link.broker.settled(), agree, agree)
}
