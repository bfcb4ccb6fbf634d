import type { Header } from '../../../core/index.ts'
import { credentialsOf, accepted } from '../credentials.ts'
import type { Connection } from '../connection.ts'
import { ProtocolError } from '../errors.ts'
import { limits } from '../limits.ts'
import { argument } from '../topology/arguments.ts'
import type { Args } from '../wire/index.ts'

export function connectionStartOk(connection: Connection, args: Args<'connection.start-ok'>): void {
  const { link } = connection
  link.capabilities = capabilitiesOf(args.clientProperties)
  const credentials = credentialsOf(args.mechanism, args.response)
  if (credentials === null || !accepted(credentials, link.peer.local, link.context.config)) {
    const refusal = new ProtocolError(
      'ACCESS_REFUSED',
      `Login was refused using authentication mechanism ${args.mechanism}. For details see the broker logfile.`,
    )
    link.context.log.warn('AMQP login refused', { user: credentials?.user ?? '', peer: link.peer.address })
    // Who does not ask to be told why takes a dropped connection for bad credentials.
    if (link.capabilities.authenticationFailureClose) connection.close(refusal)
    else connection.end('error')
    return
  }
  link.user = credentials.user
  connection.phase = 'tune'
  link.method(0, 'connection.tune', {
    channelMax: limits.channelMax,
    frameMax: limits.frameBytesMax,
    heartbeat: limits.heartbeatSeconds,
  })
}

function capabilitiesOf(clientProperties: readonly Header[]) {
  const table = argument(clientProperties, 'capabilities')
  const says = (name: string): boolean => {
    const value = table?.type === 'map' ? argument(table.value, name) : undefined
    return value?.type === 'bool' && value.value
  }
  return {
    consumerCancelNotify: says('consumer_cancel_notify'),
    connectionBlocked: says('connection.blocked'),
    authenticationFailureClose: says('authentication_failure_close'),
    basicNack: says('basic.nack'),
  }
}
