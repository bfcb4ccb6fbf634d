import type { Outcome } from '../../base/index.ts'
import { parseEndpoint } from './endpoint.ts'
import { shown, validate, type Group, type Values } from './schema.ts'

const kib = 1024
const mib = 1024 * kib
const minuteMs = 60_000

/** Every setting of the server. Protocols bring their own, see `Protocol.settings`. */
export const serverSchema = {
  data: { kind: 'text', default: 'data', filled: true, help: 'the data folder, or "memory" for no disk at all' },
  durability: {
    kind: 'choice',
    default: 'fsync',
    of: ['fsync', 'os'] as const,
    help: 'fsync: nothing is acknowledged before it is on disk. os: when the operating system has it',
  },
  advertise: { kind: 'text', default: '', help: 'the host that clients are told to come back to; empty = as bound' },
  log: {
    level: {
      kind: 'choice',
      default: 'info',
      of: ['debug', 'info', 'warn', 'error'] as const,
      help: 'least level logged',
    },
    format: { kind: 'choice', default: 'text', of: ['text', 'json'] as const, help: 'how log lines look' },
  },
  limits: {
    connectionsMax: { kind: 'integer', default: 20_000, min: 1, max: 1_000_000, help: 'open client connections' },
    memoryBytes: {
      kind: 'bytes',
      default: 256 * mib,
      min: 16 * mib,
      max: 1024 * 1024 * mib,
      help: 'what clients together may make the broker hold in memory: messages coming in, waiting for the disk, and unsent',
    },
    outputBytesHigh: {
      kind: 'bytes',
      default: mib,
      min: 4 * kib,
      max: 1024 * mib,
      help: 'unsent bytes of one connection at which its session stops sending',
    },
    outputBytesMax: {
      kind: 'bytes',
      default: 256 * mib,
      min: 64 * kib,
      max: 4096 * mib,
      help: 'unsent bytes of one connection at which it is closed',
    },
    firstByteMs: {
      kind: 'duration',
      default: 30_000,
      min: 100,
      max: 60 * minuteMs,
      help: 'a connection that has sent nothing for so long is closed',
    },
    loginMs: {
      kind: 'duration',
      default: 10_000,
      min: 100,
      max: 60 * minuteMs,
      help: 'a connection that has not come to the end of its login by then is closed',
    },
    messageMs: {
      kind: 'duration',
      default: minuteMs,
      min: 100,
      max: 60 * minuteMs,
      help: 'a message that has begun to come must be whole by then, or by a second later for each KiB of it',
    },
    stopMs: { kind: 'duration', default: 8_000, min: 0, max: 60 * minuteMs, help: 'how long a stop waits for clients' },
  },
  storage: {
    tailBytes: {
      kind: 'bytes',
      default: 16 * mib,
      min: mib,
      max: 1024 * 1024 * mib,
      help: 'newest messages kept in memory; consumers that follow closely are served from there',
    },
    cacheBytes: {
      kind: 'bytes',
      default: 24 * mib,
      min: 4 * mib,
      max: 1024 * 1024 * mib,
      help: 'block cache for what is read from disk',
    },
    segmentBytes: {
      kind: 'bytes',
      default: 64 * mib,
      min: 2 * mib,
      max: 2048 * mib,
      help: 'size of a journal segment; its index, up to a quarter of it, is in memory while it is written',
    },
    checkpointBytes: {
      kind: 'bytes',
      default: 128 * mib,
      min: mib,
      max: 1024 * 1024 * mib,
      help: 'journal written between two checkpoints: about as much is read again at a start after a crash',
    },
    mergeAfterMs: {
      kind: 'duration',
      default: minuteMs,
      min: 100,
      max: 60 * minuteMs,
      help: 'age at which the rest of a mostly dead segment is written anew, so that its space is free',
    },
  },
} as const satisfies Group

export type ServerSettings = Values<typeof serverSchema>

export interface Listen {
  host: string
  port: number
}

export interface Settings extends ServerSettings {
  /** By listener name; absent = that listener is off. */
  readonly listen: Readonly<Record<string, Listen>>
  /** By protocol name. */
  readonly protocols: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** What the protocols in this build bring: their listeners with default ports, and their own settings. */
export interface Known {
  listeners: Readonly<Record<string, number>>
  protocols: Readonly<Record<string, Group>>
}

/** Checks a whole configuration; `raw` is YAML merged with environment and flags. */
export function readSettings(raw: Readonly<Record<string, unknown>>, known: Known): Outcome<Settings> {
  const { listen: rawListen, protocols: rawProtocols, ...rest } = raw
  const server = validate(serverSchema, rest)
  if ('error' in server) return explainUnknown(server)
  const listen = readListen(rawListen, known.listeners)
  if ('error' in listen) return listen
  const protocols = validate(known.protocols, rawProtocols, 'protocols')
  if ('error' in protocols) return protocols
  return { ok: { ...server.ok, listen: listen.ok, protocols: protocols.ok } }
}

function explainUnknown(failure: Outcome<never> & { detail: string }): Outcome<never> {
  return { ...failure, detail: failure.detail.replace('known keys: ', 'known keys: listen, protocols, ') }
}

function readListen(given: unknown, ports: Readonly<Record<string, number>>): Outcome<Record<string, Listen>> {
  if (given !== undefined && given !== null && (typeof given !== 'object' || Array.isArray(given))) {
    return { error: 'invalid', detail: 'listen: must map listeners to HOST:PORT, as `kafka: 127.0.0.1:9092`' }
  }
  const source = (given ?? {}) as Record<string, unknown>
  const unknown = Object.keys(source).find((name) => !Object.hasOwn(ports, name))
  if (unknown !== undefined) {
    return {
      error: 'invalid',
      detail: `listen.${unknown}: no such listener; there are ${Object.keys(ports).join(', ')}`,
    }
  }
  const listen: Record<string, Listen> = {}
  for (const [name, port] of Object.entries(ports)) {
    const value = source[name] ?? { host: '127.0.0.1', port }
    if (value === false || value === 'off') continue
    const endpoint = parseEndpoint(value, port)
    if (endpoint === undefined) {
      const detail = `listen.${name}: ${shown(value)} is not HOST:PORT; for example 127.0.0.1:${port}, or off`
      return { error: 'invalid', detail }
    }
    listen[name] = endpoint
  }
  return { ok: listen }
}
