import type { Delivery, Notice, Receiver } from '../../core/index.ts'
import type { Peer, Session } from '../../server/index.ts'
import { finishTurn } from './answer.ts'
import { Client, Pause, type Owner } from './client.ts'
import type { Hub } from './hub.ts'
import { committingBytesMax, connectBytesMax, turnBytesMax } from './limits.ts'
import { acknowledge } from './operations/acknowledge.ts'
import { connect } from './operations/connect.ts'
import { disconnect } from './operations/disconnect.ts'
import { publish } from './operations/publish.ts'
import { subscribe } from './operations/subscribe.ts'
import { unsubscribe } from './operations/unsubscribe.ts'
import { Reason, Violation, writePingResponse } from './wire/index.ts'
import type { AckType, ControlPacket, PacketHandler, PublishFrame, ReasonCode } from './wire/index.ts'

/** One connection: bytes in, packets to the operations, and the core's deliveries out. */
export class MqttSession implements Session, Receiver, PacketHandler, Owner {
  private readonly client: Client

  constructor(peer: Peer, hub: Hub) {
    const bytesMax = Math.min(connectBytesMax, hub.settings.packetBytesMax)
    this.client = new Client(hub, peer, this, bytesMax)
  }

  /** CONNECT has come; its answer may wait for the storage. */
  get known(): boolean {
    return this.client.phase !== 'greeting'
  }

  get unfinished(): number {
    return this.client.parser.unfinished
  }

  receive(chunk: Buffer): void {
    const { client } = this
    if (client.phase === 'over') return
    if (client.phase === 'open') client.heardAt = client.hub.keepAlive.tick
    client.parser.receive(chunk)
    finishTurn(client)
    client.peer.arriving(client.parser.arriving)
  }

  publish(frame: PublishFrame): void {
    const { client } = this
    publish(client, frame)
    if (client.turn.bytes <= turnBytesMax) return
    finishTurn(client)
    if (client.pendingBytes <= committingBytesMax) return
    client.parser.suspend()
    client.pause(Pause.committing)
  }

  acknowledged(type: AckType, packetId: number, reason: ReasonCode): void {
    acknowledge(this.client, type, packetId, reason)
  }

  packet(packet: ControlPacket): void {
    const { client } = this
    switch (packet.type) {
      case 'connect':
        client.background(connect(client, packet))
        return
      case 'subscribe':
        // what was published before must be routed before
        finishTurn(client)
        this.change(subscribe(client, packet))
        return
      case 'unsubscribe':
        finishTurn(client)
        this.change(unsubscribe(client, packet))
        return
      case 'pingreq':
        writePingResponse(client.output.writer)
        return
      case 'disconnect':
        finishTurn(client)
        disconnect(client, packet)
        return
      case 'auth':
        throw new Violation(Reason.protocolError, 'AUTH without an authentication method')
    }
  }

  /** What follows a change of subscriptions waits for it, so that each packet sees what the one before did. */
  private change(changing: Promise<void>): void {
    const { client } = this
    client.parser.suspend()
    client.pause(Pause.changing)
    const changed = changing.then(() => {
      if (client.phase !== 'open') return
      client.resume(Pause.changing)
      if (!client.isPaused(Pause.committing)) client.parser.resume()
      finishTurn(client)
    })
    client.background(changed)
  }

  violation(violation: Violation): void {
    finishTurn(this.client)
    this.client.end(violation.reason, 'error', violation.message)
  }

  deliver(deliveries: readonly Delivery[]): void {
    const { client } = this
    if (client.phase === 'over') return
    client.outbox.deliver(deliveries)
    finishTurn(client)
  }

  notice(notice: Notice): void {
    const { client } = this
    switch (notice.notice) {
      case 'fenced':
        client.fenced = true
        client.end(Reason.sessionTakenOver, 'server')
        return
      case 'unavailable':
        // A session that is only being opened waits with its CONNECT.
        if (client.phase === 'opening') return
        client.fenced = true
        // 0x88 would say it, but only CONNACK may.
        client.end(Reason.serverBusy, 'server', 'the storage of the broker has failed, try again later')
        return
      case 'blocked':
      case 'unblocked':
        // MQTT has no words for it: who publishes is read from more slowly, who is refused gets that as an answer.
        return
      case 'gone':
      case 'active':
        return
    }
  }

  drained(): void {
    const { client } = this
    client.output.congested = false
    client.flow(true)
    this.pump()
  }

  pump(): void {
    const { client } = this
    if (client.phase !== 'open' || !client.hasOutbox) return
    client.outbox.pump()
    finishTurn(client)
  }

  stop(): void {
    this.client.stop()
  }

  closed(): void {
    const { client } = this
    client.phase = 'over'
    client.parser.stop()
    client.hub.keepAlive.forget(client)
    this.leave()
  }

  leave(): void {
    const { client } = this
    if (client.hasOutbox) client.outbox.abandon()
    // 0: the session is still being opened, and is left as soon as it is there
    if (client.session === 0 || client.fenced) return
    finishTurn(client)
    client.fenced = true
    void client.hub.broker.close(client.session, client.epoch, { keepMs: client.keepMs, wills: client.wills })
  }
}
