import type { Server as HttpServer } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Outcome } from '../../base/index.ts'
import type { Endpoint, Listening } from '../net.ts'

/**
 * A client whose machine or network is gone says nothing, and neither does a quiet one: after a minute of silence the
 * system asks, and ends the connection when it hears nothing. Not all protocols ask by themselves, or have to.
 */
export const watchful = { keepAlive: true, keepAliveInitialDelay: 60_000 } as const

/** For HTTP requests: nobody takes minutes over a header, or over a body of 16 MiB. */
export const impatient = {
  ...watchful,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 1_000,
} as const

export function addressOf(socket: Socket): string {
  const host = socket.remoteAddress ?? 'unknown'
  const plain = host.startsWith('::ffff:') ? host.slice(7) : host
  return `${plain.includes(':') ? `[${plain}]` : plain}:${socket.remotePort ?? 0}`
}

export function isLocal(socket: Socket): boolean {
  const host = socket.remoteAddress ?? ''
  return host === '::1' || host.startsWith('127.') || host.startsWith('::ffff:127.')
}

/** Binds any of the runtime's servers, and says what went wrong in a sentence. */
export function open(server: Server | HttpServer, endpoint: Endpoint): Promise<Outcome<Listening>> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(listenFailure(error, endpoint)))
    server.listen({ host: endpoint.host, port: endpoint.port, backlog: 1024 }, () => {
      server.removeAllListeners('error')
      // Out of file descriptors: the connection that could not be taken is lost, the listener goes on.
      server.on('error', () => undefined)
      const { port } = server.address() as AddressInfo
      resolve({
        ok: {
          bound: { host: endpoint.host, port },
          close: () => new Promise((done) => server.close(() => done())),
        },
      })
    })
  })
}

function listenFailure(error: NodeJS.ErrnoException, { host, port }: Endpoint): Outcome<Listening> {
  switch (error.code) {
    case 'EADDRINUSE':
      return { error: 'busy', detail: `${host}:${port} is in use by another process` }
    case 'EACCES':
      return { error: 'denied', detail: `this user may not listen on ${host}:${port}; take a port above 1023` }
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return { error: 'unavailable', detail: `${host} is not an address of this machine` }
    default:
      return { error: 'unavailable', detail: `${host}:${port}: ${error.message}` }
  }
}
