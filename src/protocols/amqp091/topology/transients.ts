import { failed } from '../../../base/index.ts'
import type { Broker, Id } from '../../../core/index.ts'

/**
 * What is declared without `durable` lives as long as the broker runs (AMQP 0-9-1, queue.declare: "non-durable queues
 * are purged if/when a server restarts"). Its owner is a session of each virtual host that nobody closes and that
 * keeps nothing: it ends with the broker, and what it owns with it.
 */
const owners = new WeakMap<Broker, Map<Id, Promise<Id>>>()

/** The owner in this namespace; 0 where it could not be opened, which means that the broker is stopping. */
export function transientOwner(broker: Broker, namespace: Id): Promise<Id> {
  let ofBroker = owners.get(broker)
  if (ofBroker === undefined) owners.set(broker, (ofBroker = new Map<Id, Promise<Id>>()))
  const known = ofBroker.get(namespace)
  if (known !== undefined) return known
  // After the store has failed and was opened again, what the session owned has gone and so has the session.
  const forget = (): void => void ofBroker.delete(namespace)
  const receiver = {
    deliver: () => undefined,
    notice: ({ notice }: { notice: string }) => {
      if (notice === 'fenced' || notice === 'unavailable') forget()
    },
  }
  const client = { protocol: 'amqp', address: 'non-durable queues and exchanges' }
  const owner = broker.open({ namespace, user: '', keepMs: 0, client }, receiver).then((outcome) => {
    if (!failed(outcome)) return outcome.ok.session
    forget()
    return 0
  })
  ofBroker.set(namespace, owner)
  return owner
}
