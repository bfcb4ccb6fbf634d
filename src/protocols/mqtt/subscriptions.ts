import type { Entry, Id, Json, RouteSpec, SaveOp } from '../../core/index.ts'
import type { Qos } from './wire/index.ts'

/** How a filter's messages reach the session. */
export type Way =
  /** Handed over as they come, never stored: QoS 0, and all of a session that ends with its connection. */
  | 'live'
  /** Through the session's own log. */
  | 'own'
  /** Through the log that the members of a share group have in common. */
  | 'shared'

export interface Subscription {
  /** As the client wrote it, `$share/…` included. */
  text: string
  way: Way
  route: Id
  qos: Qos
  noLocal: boolean
  retainAsPublished: boolean
  /** Subscription Identifier (MQTT 5 section 3.8.2.1.2). */
  identifier: number | undefined
}

export const shared = (subscription: { way: Way }): boolean => subscription.way === 'shared'

/** What the route keeps for the next connection of a persistent session. */
export function attributesOf(s: Omit<Subscription, 'route'>): Json {
  const { text, way, qos, noLocal, retainAsPublished, identifier } = s
  return { text, way, qos, noLocal, retainAsPublished, identifier: identifier ?? null }
}

function subscriptionOf({ id, spec }: Entry<RouteSpec>): Subscription {
  const a = spec.attributes as unknown as Omit<Subscription, 'identifier'> & { identifier: number | null }
  return { ...a, identifier: a.identifier ?? undefined, route: id }
}

export const filterBytes = (text: string): number => Buffer.byteLength(text)

const qos2Key = 'qos2'
const nothing: readonly SaveOp[] = []

/** One session's subscriptions, by filter and by route. */
export class Subscriptions {
  /** Of the filters. */
  bytes = 0
  private readonly byText = new Map<string, Subscription>()
  private readonly byRoute = new Map<Id, Subscription>()
  /** The route that a filter had before its options changed. */
  private formers: Map<string, Id> | undefined
  /** Filters of share groups, by the queue that their members are served from. */
  private queues: Map<Id, string> | undefined
  /** It has or had one with QoS 2: not all clients know that. */
  withQos2 = false
  private qos2Saved = false

  get size(): number {
    return this.byText.size
  }

  get(text: string): Subscription | undefined {
    return this.byText.get(text)
  }

  ofRoute(route: Id): Subscription | undefined {
    return this.byRoute.get(route)
  }

  /** The subscription that is served from this queue. */
  ofQueue(queue: Id): Subscription | undefined {
    const text = this.queues?.get(queue)
    return text === undefined ? undefined : this.byText.get(text)
  }

  serve(queue: Id, text: string): void {
    ;(this.queues ??= new Map()).set(queue, text)
  }

  leave(queue: Id): void {
    this.queues?.delete(queue)
  }

  /** What the route before it still brings comes on the new terms. */
  set(subscription: Subscription): void {
    const { text, route } = subscription
    const before = this.byText.get(text)?.route
    if (before === undefined) this.bytes += filterBytes(text)
    if (before !== undefined && before !== route) {
      this.forget(text)
      ;(this.formers ??= new Map()).set(text, before)
      this.byRoute.set(before, subscription)
    }
    this.byText.set(text, subscription)
    this.byRoute.set(route, subscription)
    this.withQos2 ||= subscription.qos === 2
  }

  delete(text: string): void {
    const subscription = this.byText.get(text)
    if (subscription === undefined) return
    this.forget(text)
    this.byText.delete(text)
    this.bytes -= filterBytes(text)
    this.byRoute.delete(subscription.route)
  }

  private forget(text: string): void {
    const former = this.formers?.get(text)
    if (former !== undefined) this.byRoute.delete(former)
    this.formers?.delete(text)
  }

  values(): IterableIterator<Subscription> {
    return this.byText.values()
  }

  /** Which ways and filters the session has routes for by now: `own a/b`. */
  written(routes: readonly Entry<RouteSpec>[], session: Id): string[] {
    return routes
      .filter(({ spec }) => spec.owner === session)
      .map((route) => {
        const { way, text } = subscriptionOf(route)
        return `${way} ${text}`
      })
  }

  /** What must be saved since the last call. */
  changes(): readonly SaveOp[] {
    if (this.withQos2 === this.qos2Saved) return nothing
    this.qos2Saved = true
    return [{ op: 'save', key: qos2Key, value: Buffer.of(1) }]
  }

  /** Routes that an earlier connection of this session made, and what it saved. */
  restore(routes: readonly Entry<RouteSpec>[], session: Id, saved: readonly { key: string }[]): void {
    this.withQos2 = this.qos2Saved = saved.some(({ key }) => key === qos2Key)
    for (const route of routes) if (route.spec.owner === session) this.set(subscriptionOf(route))
  }
}
