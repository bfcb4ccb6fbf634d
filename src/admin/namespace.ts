import { failed, type Outcome } from '../base/index.ts'
import type { Broker, Id, Opened, Receiver } from '../core/index.ts'

/** The namespace that a request speaks of: `?namespace=NAME`, `default` when it does not say. */
export function namespaceOf(broker: Broker, query: URLSearchParams): Outcome<Id> {
  const name = query.get('namespace') ?? 'default'
  const found = broker.findNamespace(name)
  return found === undefined ? { error: 'notFound', detail: `there is no namespace ${name}` } : { ok: found.id }
}

const deaf: Receiver = { deliver: () => undefined, notice: () => undefined }

/** Runs something in a session of its own, which ends with it. */
export async function inSession<T>(
  broker: Broker,
  namespace: Id,
  run: (session: Opened) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const opened = await broker.open({ namespace, user: 'admin', client: { protocol: 'http', address: 'admin' } }, deaf)
  if (failed(opened)) return opened
  try {
    return await run(opened.ok)
  } finally {
    await broker.close(opened.ok.session, opened.ok.epoch, { wills: 'drop' })
  }
}
