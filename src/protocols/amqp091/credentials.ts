import { MalformedError, Reader } from '../../base/index.ts'
import type { Header } from '../../core/index.ts'
import { argument, textOf } from './topology/arguments.ts'
import { readTable } from './wire/index.ts'

export interface Credentials {
  user: string
  password: string
}

/** PLAIN: nothing, user, password, each behind a zero octet. AMQPLAIN: the fields of a table, without its length. */
export function credentialsOf(mechanism: string, response: Buffer): Credentials | null {
  if (mechanism === 'PLAIN') {
    const parts = response.toString('utf8').split('\0')
    return parts.length === 3 ? { user: parts[1]!, password: parts[2]! } : null
  }
  if (mechanism !== 'AMQPLAIN') return null
  try {
    const table = readTable(new Reader(withLength(response)))
    const user = field(table, 'LOGIN')
    const password = field(table, 'PASSWORD')
    return user === undefined || password === undefined ? null : { user, password }
  } catch (error) {
    if (error instanceof MalformedError) return null
    throw error
  }
}

function withLength(response: Buffer): Buffer {
  const table = Buffer.allocUnsafe(4 + response.length)
  table.writeUInt32BE(response.length)
  response.copy(table, 4)
  return table
}

const field = (table: readonly Header[], name: string): string | undefined => textOf(argument(table, name))

/** The configured user; the default one only from this machine. */
export function accepted(
  { user, password }: Credentials,
  local: boolean,
  config: Readonly<Record<string, unknown>>,
): boolean {
  if (user !== config.user || password !== config.password) return false
  return local || user !== 'guest'
}
