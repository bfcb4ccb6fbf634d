import { assert } from '../../base/index.ts'
import type { Broker, Id } from '../../core/index.ts'
import type { CloseReason, Logger, Peer, ProtocolContext, ProtocolMetrics } from '../../server/index.ts'
import { validate } from '../../server/index.ts'
import type { Clock, Random } from '../../world/index.ts'
import { KeepAlive } from './keep-alive.ts'
import { lossLogMs } from './limits.ts'
import { TopicLevels } from './names.ts'
import type { CutBudget } from './wire/index.ts'
import { mqttSettings } from './settings.ts'
import type { MqttSettings } from './settings.ts'

/** What all clients of one listener share. */
export class Hub {
  readonly broker: Broker
  readonly clock: Clock
  readonly random: Random
  readonly metrics: ProtocolMetrics
  readonly settings: MqttSettings
  readonly keepAlive: KeepAlive
  readonly topics = new TopicLevels()
  readonly namespace: Id
  /** The space that topics live in. */
  readonly space: Id
  /** Of all clients together: packets that have not come to their end. */
  readonly cut: CutBudget
  /** Live messages that found no room at a slow subscriber. */
  private dropped = 0
  private lossLoggedAt = -Infinity
  private readonly log: Logger

  constructor(context: ProtocolContext) {
    const settings = validate(mqttSettings, context.config)
    assert('ok' in settings, 'the configuration was validated before')
    this.settings = settings.ok
    this.cut = { bytes: 0, bytesMax: settings.ok.cutBytesTotalMax }
    this.broker = context.broker
    this.clock = context.clock
    this.random = context.random
    this.metrics = context.metrics
    this.log = context.log
    this.keepAlive = new KeepAlive(context.clock, context.timers)
    const namespace = this.broker.findNamespace('default')
    assert(namespace !== undefined, 'the default namespace is there from the start')
    const space = this.broker.findSpace(namespace.id, '')
    assert(space !== undefined, 'each namespace has its shared space')
    this.namespace = namespace.id
    this.space = space.id
  }

  /** A session threw where the server does not see it: a fault of ours, which ends this connection only. */
  failed(client: { peer: Peer; drop(close: CloseReason): void }, error: unknown): void {
    this.log.error('a session failed; its connection is closed', { client: client.peer.address, error })
    client.drop('error')
  }

  /** Messages for a slow subscriber were dropped: the operator is told, now and then. */
  lost(clientId: string, messages: number): void {
    this.dropped += messages
    const now = this.clock.monotonic()
    if (now - this.lossLoggedAt < lossLogMs) return
    this.lossLoggedAt = now
    this.log.warn('a slow subscriber loses messages', { client: clientId, lostByAll: this.dropped })
  }
}
