import { failed } from '../../../src/base/index.ts'
import type { Id, Receiver, Spec } from '../../../src/core/index.ts'
import type { Machine } from '../machine/machine.ts'
import { attemptsMax } from '../audit/index.ts'
import { topicPartitions } from './scene.ts'

export const noReceiver: Receiver = { deliver: () => undefined, notice: () => undefined }

/** What the actors use, by name. `captured` gets all of `orders.#`; what `work` rejects or gives up goes to `dead`. */
export interface Topology {
  namespace: Id
  shared: Id
  logs: Readonly<Record<'topic' | 'captured' | 'work' | 'dead', Id>>
  queues: Readonly<Record<'captured' | 'work', Id>>
}

/** Makes it, or finds it again. */
export async function lay({ broker, time }: Machine): Promise<Topology> {
  const namespace = broker.findNamespace('default')!.id
  const shared = broker.findSpace(namespace, '')!.id
  const define = async (specs: readonly Spec[]): Promise<Id[]> => {
    const defined = await time.until(broker.define(specs, 'ensure'))
    return defined.map((outcome) => {
      if (failed(outcome)) throw new Error(outcome.detail)
      return outcome.ok.id
    })
  }
  const queue = (name: string, policy: object): Spec[] => [
    { kind: 'log', namespace, name: [name], partitions: 1, keep: { consumed: true } },
    { kind: 'subscription', log: { namespace, name: [name] }, name: '', mode: 'leased', start: 'first', policy },
  ]
  const deadLetter = { to: 'log', name: ['dead'] } as const
  const [topic, dead, captured, capturedQueue, work, workQueue] = (await define([
    { kind: 'log', namespace, name: ['orders', 'eu'], bound: ['orders', 'eu'], partitions: topicPartitions },
    { kind: 'log', namespace, name: ['dead'], partitions: 1 },
    ...queue('captured', {}),
    ...queue('work', { attemptsMax, exhausted: 'deadLetter', deadLetter }),
  ])) as [Id, Id, Id, Id, Id, Id]
  const pattern = { levels: ['orders', { any: 'rest' }] } as const
  await define([{ kind: 'route', space: shared, pattern, target: { log: captured } }])
  return {
    namespace,
    shared,
    logs: { topic, captured, work, dead },
    queues: { captured: capturedQueue, work: workQueue },
  }
}
