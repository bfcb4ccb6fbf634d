import type { Connection } from '../connection.ts'

/** Passwords do not expire here, so a new secret is as good as the old one. */
export function connectionUpdateSecret(connection: Connection): void {
  const { link } = connection
  link.outbox.push(() => link.method(0, 'connection.update-secret-ok', {}))
}
