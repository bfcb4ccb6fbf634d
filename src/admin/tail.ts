import { failed, type Failure } from '../base/index.ts'
import type { Broker, Delivery, Id, Notice, Pattern } from '../core/index.ts'
import type { HttpSink } from '../world/index.ts'
import { messageOf } from './messages.ts'

/**
 * Writes every message that is published at addresses of the pattern, one JSON object a line, until the client goes.
 * It is a live subscriber like any other: it slows nobody, and what a slow reader misses is counted, not kept.
 */
export async function tail(broker: Broker, namespace: Id, pattern: Pattern, sink: HttpSink): Promise<void> {
  let missed = 0
  const say = (line: object): void => {
    if (!sink.write(`${JSON.stringify(line)}\n`)) missed++
  }
  const deliver = (deliveries: readonly Delivery[]): void => {
    if (missed > 0 && sink.write(`${JSON.stringify({ missed })}\n`)) missed = 0
    for (const { batch, first, count } of deliveries) {
      for (let index = first; index < first + count; index++) say(messageOf(batch, index))
    }
  }
  const notice = ({ notice: what }: Notice): void => {
    if (what === 'fenced' || what === 'unavailable') sink.close()
  }
  const client = { protocol: 'http', address: 'tail' }
  const opened = await broker.open({ namespace, user: 'admin', client }, { deliver, notice })
  if (failed(opened)) return refuse(sink, opened)
  const { session, epoch } = opened.ok
  sink.onClosed(() => void broker.close(session, epoch, { wills: 'drop' }))
  const space = broker.findSpace(namespace, '')?.id ?? 0
  const [route] = await broker.define(
    [{ kind: 'route', space, pattern, target: { session }, owner: session }],
    'ensure',
  )
  if (route !== undefined && failed(route)) return refuse(sink, route)
  // So that the client knows when it sees everything.
  sink.write(`${JSON.stringify({ tailing: true })}\n`)
}

function refuse(sink: HttpSink, { error, detail }: Failure): void {
  sink.write(`${JSON.stringify({ error, detail })}\n`)
  sink.close()
}
