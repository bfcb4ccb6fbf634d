import { createServer } from 'node:net'
import type { Outcome } from '../../base/index.ts'
import type { Accept, Endpoint, Listening, Net } from '../net.ts'
import { listenHttp } from './http.ts'
import { open, watchful } from './listen.ts'
import { socketTerms, TcpConnection } from './tcp.ts'
import { listenWebSocket } from './websocket/listen.ts'

function listenTcp(endpoint: Endpoint, accept: Accept): Promise<Outcome<Listening>> {
  const server = createServer({ ...socketTerms, ...watchful }, (socket) => new TcpConnection(socket, accept))
  return open(server, endpoint)
}

export const systemNet: Net = { listenTcp, listenWebSocket, listenHttp }
