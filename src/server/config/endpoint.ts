export interface Endpoint {
  host: string
  port: number
}

/** `127.0.0.1:9092`, `[::1]:9092`, `localhost`, `:9092`, `9092` or an object; undefined when it is none of these. */
export function parseEndpoint(value: unknown, defaultPort: number): Endpoint | undefined {
  if (typeof value === 'number') return endpoint('127.0.0.1', value)
  if (typeof value === 'object' && value !== null && 'host' in value && 'port' in value) {
    return typeof value.host === 'string' && typeof value.port === 'number'
      ? endpoint(value.host, value.port)
      : undefined
  }
  if (typeof value !== 'string') return undefined
  if (/^\d+$/.test(value)) return endpoint('127.0.0.1', Number(value))
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s]*))(?::(\d+))?$/i.exec(value)
  if (match === null) return undefined
  const host = match[1] ?? match[2] ?? ''
  return endpoint(host === '' ? '127.0.0.1' : host, match[3] === undefined ? defaultPort : Number(match[3]))
}

function endpoint(host: string, port: number): Endpoint | undefined {
  return Number.isInteger(port) && port >= 0 && port <= 65_535 ? { host, port } : undefined
}

/** IPv6 hosts in brackets. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
