export type Level = 'debug' | 'info' | 'warn' | 'error'

/** Structured logs: a message that never changes for its event, and fields that do. */
export interface Logger {
  debug(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
  with(fields: Fields): Logger
}

export type Fields = Readonly<Record<string, unknown>>
