import type { Clock } from '../world/index.ts'
import type { Fields, Level, Logger } from './logger.ts'

export interface LogOptions {
  level: Level
  format: 'text' | 'json'
  clock: Clock
  /** Takes one line, without its end. */
  write(line: string): void
}

const rank: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 }

/** Lines of text for people, or of JSON for machines: `time`, `level`, `message`, then the fields. */
export function createLogger(options: LogOptions, bound: Fields = {}): Logger {
  const least = rank[options.level]
  const say = (level: Level, message: string, fields: Fields = {}): void => {
    if (rank[level] < least) return
    const time = new Date(options.clock.now()).toISOString()
    const all = { ...bound, ...fields }
    if (options.format === 'json') options.write(JSON.stringify({ time, level, message, ...all }, jsonValue))
    else options.write(`${time} ${level.padEnd(5)} ${message}${textOf(all)}`)
  }
  return {
    debug: (message, fields) => say('debug', message, fields),
    info: (message, fields) => say('info', message, fields),
    warn: (message, fields) => say('warn', message, fields),
    error: (message, fields) => say('error', message, fields),
    with: (fields) => createLogger(options, { ...bound, ...fields }),
  }
}

function textOf(fields: Fields): string {
  let text = ''
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) text += ` ${key}=${plain(value)}`
  }
  return text
}

function plain(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return value
  if (value instanceof Error) return value.stack ?? value.message
  return JSON.stringify(value, jsonValue)
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  return value instanceof Error ? (value.stack ?? value.message) : value
}
