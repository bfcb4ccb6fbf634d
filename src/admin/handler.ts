import { failed, type Outcome } from '../base/index.ts'
import type { HttpHandler, HttpReply, HttpRequest, HttpSink } from '../world/index.ts'
import { backupRoute } from './backup.ts'
import { deadLetterQueues, deadLetters, redrive } from './dead-letters.ts'
import { filterOf, queues, status, subscriptions, topics } from './listings.ts'
import { metricsText } from './metrics.ts'
import { parsePattern } from './names.ts'
import { namespaceOf } from './namespace.ts'
import { publish, readPublishRequest } from './publish.ts'
import { failure, json, readBody, text } from './replies.ts'
import { tail } from './tail.ts'
import type { AdminOptions } from './types.ts'

const listedMax = 1000

type Route = (request: HttpRequest) => HttpReply | Promise<HttpReply>
type Routes = Readonly<Record<string, Route>>
/** Answers within the namespace that the request names. */
type Within = (namespace: number, request: HttpRequest) => Outcome<unknown> | Promise<Outcome<unknown>>

/** The HTTP API: for probes, for Prometheus, and for the command line. */
export function adminHandler(options: AdminOptions): HttpHandler {
  const routes: Routes = { ...probeRoutes(options), ...listingRoutes(options), ...actionRoutes(options) }
  return (request) => {
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const route = routes[`${method} ${request.path}`]
    if (route !== undefined) return route(request)
    const detail = `no ${method} ${request.path}; there are ${Object.keys(routes).join(', ')}`
    return failure({ error: 'notFound', detail })
  }
}

function probeRoutes(options: AdminOptions): Routes {
  const { store, clock } = options
  const startedAt = clock.monotonic()
  return {
    'GET /healthz': () => (store().health.state === 'failed' ? text(`${storageText(store())}\n`, 503) : text('ok\n')),
    'GET /readyz': () => {
      if (store().health.state !== 'ok') return text(`not ready: ${storageText(store())}\n`, 503)
      return options.ready() ? text('ready\n') : text('not ready: the broker stops\n', 503)
    },
    'GET /metrics': () => ({ ...text(metricsText(options)), type: 'text/plain; version=0.0.4; charset=utf-8' }),
    'GET /api/status': () => json(status(options, startedAt)),
  }
}

const storageText = ({ health }: ReturnType<AdminOptions['store']>): string =>
  'failure' in health ? `storage ${health.state}: ${health.failure.detail}` : `storage ${health.state}`

function within({ broker }: AdminOptions, run: Within): Route {
  return async (request) => {
    const namespace = namespaceOf(broker, request.query)
    if (failed(namespace)) return failure(namespace)
    const outcome = await run(namespace.ok, request)
    // What the catalogue shows may not be durable yet; a client must not learn of what a crash could take back.
    const settled = await broker.settled()
    if (failed(settled)) return failure(settled)
    return failed(outcome) ? failure(outcome) : json(outcome.ok)
  }
}

function listingRoutes(options: AdminOptions): Routes {
  const { broker } = options
  return {
    'GET /api/topics': within(options, (namespace, { query }) => ({ ok: topics(broker, namespace, filterOf(query)) })),
    'GET /api/queues': within(options, (namespace, { query }) => ({ ok: queues(broker, namespace, filterOf(query)) })),
    'GET /api/subscriptions': within(options, (namespace, { query }) => {
      return { ok: subscriptions(broker, namespace, filterOf(query)) }
    }),
    'GET /api/dlq': within(options, (namespace, { query }) => {
      const queue = query.get('queue')
      if (queue === null) return { ok: deadLetterQueues(broker, namespace) }
      return deadLetters(broker, namespace, queue, limitOf(query.get('limit'), 100))
    }),
  }
}

function actionRoutes(options: AdminOptions): Routes {
  const { broker, clock } = options
  return {
    'POST /api/publish': within(options, (namespace, request) => {
      const body = readBody(request)
      if (failed(body)) return body
      const message = readPublishRequest(body.ok)
      return failed(message) ? message : publish(broker, namespace, message.ok, clock.wall())
    }),
    'POST /api/dlq/redrive': within(options, (namespace, request) => {
      const body = readBody(request)
      if (failed(body)) return body
      const { queue, limit } = body.ok
      if (typeof queue !== 'string') return { error: 'invalid', detail: 'the body must name a queue' }
      if (limit !== undefined && !(Number.isInteger(limit) && (limit as number) > 0)) {
        return { error: 'invalid', detail: 'limit must be a whole number above 0' }
      }
      return redrive(broker, namespace, queue, (limit as number | undefined) ?? Infinity)
    }),
    'POST /api/backup': backupRoute(options),
    'GET /api/tail': (request) => {
      const namespace = namespaceOf(broker, request.query)
      if (failed(namespace)) return failure(namespace)
      const pattern = parsePattern(request.query.get('pattern') ?? '#')
      const run = (sink: HttpSink): void => {
        tail(broker, namespace.ok, pattern, sink).catch((error: unknown) => {
          options.log.error('tail failed', { error })
          sink.close()
        })
      }
      return { status: 200, type: 'application/x-ndjson', body: run }
    },
  }
}

function limitOf(given: string | null, byDefault: number): number {
  const limit = given === null ? byDefault : Number(given)
  return Number.isInteger(limit) && limit > 0 ? Math.min(limit, listedMax) : byDefault
}
