import { AssertionError, Gate, SlabPool } from '../../base/index.ts'
import type { Broker } from '../../core/index.ts'
import type { Protocol, ProtocolContext } from '../../server/index.ts'
import type { Shared } from './call.ts'
import { GroupCoordinator } from './groups/coordinator.ts'
import { answerSlabBytes, answerSlabsKept, foreignBytesMax, searchesMax } from './limits.ts'
import { Topics } from './mapping.ts'
import { ForeignBatches } from './operations/foreign.ts'
import { KafkaSession } from './session.ts'
import { settings } from './settings.ts'
import type { KafkaSettings } from './settings.ts'

/** Groups span connections, so what connections share hangs on the broker they all speak to. */
const sharedOf = new WeakMap<Broker, Shared>()

export const kafka: Protocol = {
  name: 'kafka',
  listeners: [{ name: 'kafka', port: 9092, transport: 'tcp' }],
  settings,
  open(peer, context) {
    let shared = sharedOf.get(context.broker)
    if (shared === undefined) sharedOf.set(context.broker, (shared = share(context)))
    return new KafkaSession(peer, context, shared)
  },
  stopped(broker) {
    sharedOf.get(broker)?.groups.stop()
    sharedOf.delete(broker)
  },
}

function share({ broker, config, clock, timers, random }: ProtocolContext): Shared {
  const namespace = broker.findNamespace('default')?.id
  if (namespace === undefined) throw new AssertionError('there is no namespace "default"')
  const known = config as KafkaSettings
  return {
    broker,
    namespace,
    topics: new Topics(broker, namespace, known),
    groups: new GroupCoordinator({ clock, timers, random }, known),
    foreign: new ForeignBatches(foreignBytesMax),
    answers: new SlabPool(answerSlabBytes, answerSlabsKept),
    searches: new Gate(searchesMax),
    settings: known,
    inputBytes: 0,
    clock,
    timers,
    random,
  }
}
