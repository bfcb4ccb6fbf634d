import type { Protocol } from '../../../src/server/index.ts'
import { LineSession } from './session.ts'

/**
 * A line protocol, as small as a protocol can be; docs/adding-a-protocol.md is written along it.
 *
 *     PUB orders.eu hello     +OK, when it is on disk
 *     SUB orders.#            +OK, and from then on lines MSG NAME TEXT
 *     PING                    +PONG
 *     QUIT                    +BYE
 */
export const line: Protocol = {
  name: 'line',
  listeners: [{ name: 'line', port: 7000, transport: 'tcp' }],
  open: (peer, context) => new LineSession(peer, context),
}
