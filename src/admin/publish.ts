import { assert, failed, type Outcome } from '../base/index.ts'
import { encodeProperties, type Broker, type Id, type Op, type OpResult, type Properties } from '../core/index.ts'
import { BatchBuilder } from '../log/index.ts'
import { inSession } from './namespace.ts'
import { parseName } from './names.ts'
import type { PublishAnswer, PublishRequest } from './types.ts'

/** What came as JSON, checked field by field. */
export function readPublishRequest(given: Readonly<Record<string, unknown>>): Outcome<PublishRequest> {
  for (const field of ['address', 'log', 'key', 'value', 'contentType']) {
    const value = given[field]
    if (value !== undefined && typeof value !== 'string') return { error: 'invalid', detail: `${field} must be text` }
  }
  const { encoding, headers } = given
  if (encoding !== undefined && encoding !== 'utf8' && encoding !== 'base64') {
    return { error: 'invalid', detail: 'encoding must be utf8 or base64' }
  }
  const isMapping = typeof headers === 'object' && headers !== null && !Array.isArray(headers)
  if (headers !== undefined && !(isMapping && Object.values(headers).every((value) => typeof value === 'string'))) {
    return { error: 'invalid', detail: 'headers must map names to text' }
  }
  return { ok: given }
}

/** Publishes one message; answered when it is as durable as its logs promise. */
export function publish(
  broker: Broker,
  namespace: Id,
  request: PublishRequest,
  now: number,
): Promise<Outcome<PublishAnswer>> {
  return inSession(broker, namespace, async ({ session, epoch }) => {
    const op = opOf(broker, namespace, request, now)
    if (failed(op)) return op
    const [result] = await broker.commit([op.ok], { session, epoch })
    assert(result !== undefined, 'one result for each op')
    return answerOf(result)
  })
}

function opOf(broker: Broker, namespace: Id, request: PublishRequest, now: number): Outcome<Op> {
  const { address, log, key, value = '', encoding = 'utf8' } = request
  const builder = new BatchBuilder()
  const keyBytes = key === undefined ? null : Buffer.from(key)
  builder.add(now, keyBytes, Buffer.from(value, encoding), encodeProperties(propertiesOf(request)))
  const records = { batch: builder.finish(), foreign: true }
  if (log !== undefined && address === undefined)
    return { ok: { op: 'append', log: { namespace, name: parseName(log) }, ...records } }
  if (address === undefined || log !== undefined) return { error: 'invalid', detail: 'name either an address or a log' }
  const space = broker.findSpace(namespace, '')
  assert(space !== undefined, 'every namespace has its shared space')
  return { ok: { op: 'publish', to: [{ space: space.id, levels: parseName(address) }], ...records } }
}

function propertiesOf({ headers, contentType }: PublishRequest): Properties {
  const properties: Properties = {}
  if (contentType !== undefined) properties.contentType = contentType
  if (headers !== undefined) {
    properties.headers = Object.entries(headers).map(([name, value]) => ({ name, value: { type: 'utf8', value } }))
  }
  return properties
}

function answerOf(result: OpResult): Outcome<PublishAnswer> {
  if (failed(result)) return result
  const { ok } = result
  if (ok.op === 'append') return { ok: { logs: 1, sinks: 0, partition: ok.partition, offset: ok.baseOffset } }
  assert(ok.op === 'publish', 'a publish is answered as a publish')
  const refused = ok.refused?.[0]
  if (refused !== undefined && ok.logs === 0) return refused.failure
  return { ok: { logs: ok.logs, sinks: ok.sinks } }
}
