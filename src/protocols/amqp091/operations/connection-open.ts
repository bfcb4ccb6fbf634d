import { failed } from '../../../base/index.ts'
import type { Id, Receiver, SpaceSpec } from '../../../core/index.ts'
import type { Connection } from '../connection.ts'
import { protocolError, refuse } from '../errors.ts'
import { exchangeAttributes, predeclared } from '../topology/exchange-facts.ts'
import { transientOwner } from '../topology/transients.ts'
import type { Args } from '../wire/index.ts'

/** A virtual host is a namespace; `/` is the one called `default`. */
const namespaceName = (vhost: string): string =>
  vhost === '/' ? 'default' : Buffer.from(vhost, 'latin1').toString('utf8')

export function connectionOpen(connection: Connection, args: Args<'connection.open'>, receiver: Receiver): void {
  const { link } = connection
  const { broker } = link
  const namespace = broker.findNamespace(namespaceName(args.virtualHost))
  if (namespace === undefined) refuse('NOT_ALLOWED', `vhost ${args.virtualHost} not found`)
  link.vhost = args.virtualHost
  link.namespace = namespace.id
  connection.phase = 'opening'
  const cause = connection.current
  void predeclare(connection, namespace.id)
  const transients = transientOwner(broker, namespace.id)
  const client = { protocol: 'amqp', address: link.peer.address }
  const opening = broker.open({ namespace: namespace.id, user: link.user, keepMs: 0, client }, receiver)
  const opened = Promise.all([opening, transients]).then(([outcome, owner]) => {
    if (failed(outcome)) return outcome
    link.transients = owner
    link.session = outcome.ok.session
    link.epoch = outcome.ok.epoch
    // The client may have gone meanwhile: then nobody runs the reply.
    if (connection.phase !== 'opening') void connection.endSession()
    return outcome
  })
  link.outbox.after(
    opened,
    (outcome) => {
      if (failed(outcome)) return connection.fail(null, protocolError(outcome), cause)
      if (connection.phase !== 'opening') return
      connection.phase = 'running'
      link.method(0, 'connection.open-ok', { knownHosts: '' })
    },
    (error) => connection.fail(null, error, cause),
  )
  connection.hold(opened)
}

function predeclare({ link }: Connection, namespace: Id): Promise<unknown> | undefined {
  const missing: SpaceSpec[] = Object.entries(predeclared)
    .filter(([name]) => link.broker.findSpace(namespace, name) === undefined)
    .map(([name, facts]) => ({
      kind: 'space',
      namespace,
      name,
      attributes: exchangeAttributes(facts),
      tags: { by: 'amqp' },
    }))
  return missing.length === 0 ? undefined : link.broker.define(missing, 'ensure')
}
