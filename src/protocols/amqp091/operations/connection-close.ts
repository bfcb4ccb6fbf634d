import type { Connection } from '../connection.ts'

/** The client says goodbye: what it held is let go before it hears that we agree, so it may redeclare at once. */
export function connectionClose(connection: Connection): void {
  const { link } = connection
  if (connection.phase === 'running') connection.publisher.flush()
  for (const channel of connection.channels.values()) channel.state = 'closed'
  const agree = (): void => {
    link.method(0, 'connection.close-ok', {})
    connection.end('client')
  }
  connection.phase = 'closing'
  link.outbox.after(connection.endSession(), agree, agree)
}
