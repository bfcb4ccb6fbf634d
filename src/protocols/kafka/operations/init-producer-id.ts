import { failed } from '../../../base/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code, groupCodeOf } from '../errors.ts'
import { APIS } from '../wire/apis.ts'

const refused = (errorCode: number) => ({ errorCode, producerId: -1, producerEpoch: -1 })

/**
 * An idempotent producer's id is the id of a core session made for it: durable, and never given twice. The session
 * itself keeps nothing, so it ends at once; what is remembered of a producer is remembered by each partition.
 *
 * As in Kafka, the id and epoch in a request without transactional id mean nothing: there are clients that always send
 * 0 and 0, and two that were given one id would be taken for each other's duplicates.
 */
export const initProducerId = operation(APIS.initProducerId, async (request, call) => {
  if (request.transactionalId !== null) return refused(code.transactionalIdAuthorizationFailed)
  return newProducer(call)
})

async function newProducer(call: Call): Promise<{ errorCode: number; producerId: number; producerEpoch: number }> {
  const { broker, namespace } = call.shared
  const silent = { deliver: () => undefined, notice: () => undefined }
  const opened = await broker.open({ namespace, user: '', client: { protocol: 'kafka', address: call.host } }, silent)
  if (failed(opened)) return refused(groupCodeOf(opened))
  const { session, epoch } = opened.ok
  await broker.close(session, epoch, { keepMs: 0, wills: 'drop' })
  return { errorCode: code.none, producerId: session, producerEpoch: 0 }
}
