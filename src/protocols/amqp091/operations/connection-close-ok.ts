import type { Connection } from '../connection.ts'

export function connectionCloseOk(connection: Connection): void {
  if (connection.phase === 'closing') connection.end('server')
}
