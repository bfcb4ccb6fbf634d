import { failed } from '../../../base/index.ts'
import { operation } from '../call.ts'
import type { Call } from '../call.ts'
import { code, groupCodeOf } from '../errors.ts'
import { APIS } from '../wire/apis.ts'

const epochMax = 32_767
const refused = (errorCode: number) => ({ errorCode, producerId: -1, producerEpoch: -1 })

/**
 * An idempotent producer's id is the id of a core session made for it: durable, and never given twice. The session
 * itself keeps nothing, so it ends at once; what is remembered of a producer is remembered by each partition.
 */
export const initProducerId = operation(APIS.initProducerId, async (request, call) => {
  if (request.transactionalId !== null) return refused(code.transactionalIdAuthorizationFailed)
  if (request.producerId > Number.MAX_SAFE_INTEGER) return refused(code.invalidProducerIdMapping)
  // KIP-360: the producer lost count and starts again under the next epoch.
  if (request.producerId >= 0 && request.producerEpoch < epochMax) {
    return { errorCode: code.none, producerId: request.producerId, producerEpoch: request.producerEpoch + 1 }
  }
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
