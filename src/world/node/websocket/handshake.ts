import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { WebSocketTerms } from '../../net.ts'

/** RFC 6455, 1.3. */
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** 16 bytes, RFC 6455, 4.2.1. */
const keyForm = /^[+/0-9A-Za-z]{22}==$/

function response(status: string, headers: readonly string[]): string {
  return [`HTTP/1.1 ${status}`, ...headers, '', ''].join('\r\n')
}

export type Handshake = { accepted: string } | { refused: string }

function refused(status: string, ...headers: string[]): Handshake {
  return { refused: response(status, ['Connection: close', 'Content-Length: 0', ...headers]) }
}

/** Answers an opening handshake (RFC 6455, 4.2): the whole response, after which the connection is a WebSocket or over. */
export function answerHandshake({ method, url, headers }: IncomingMessage, terms: WebSocketTerms): Handshake {
  if ((url ?? '/').split('?', 1)[0] !== terms.path) return refused('404 Not Found')
  if (method !== 'GET') return refused('405 Method Not Allowed', 'Allow: GET')
  // A body would come before the frames, and no client sends one.
  if (Number(headers['content-length'] ?? 0) !== 0 || headers['transfer-encoding'] !== undefined) {
    return refused('400 Bad Request')
  }
  if (headers.upgrade?.toLowerCase() !== 'websocket') return refused('400 Bad Request')
  if (headers['sec-websocket-version'] !== '13') return refused('426 Upgrade Required', 'Sec-WebSocket-Version: 13')
  const key = headers['sec-websocket-key'] ?? ''
  if (!keyForm.test(key)) return refused('400 Bad Request')
  const asked = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const subprotocol = terms.subprotocols.find((name) => asked.includes(name))
  if (subprotocol === undefined) return refused('400 Bad Request')
  const accept = createHash('sha1')
    .update(key + guid)
    .digest('base64')
  return {
    accepted: response('101 Switching Protocols', [
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${accept}`,
      `Sec-WebSocket-Protocol: ${subprotocol}`,
    ]),
  }
}
