import type { IPublishPacket, Packet } from 'mqtt-packet'
import { MqttClient } from './mqtt.ts'

const place = 'subscriber'

/** Subscribes to `orders/#` with a session that lasts, and acknowledges sooner or later. */
export class Subscriber extends MqttClient {
  /** From the SUBACK on everything is promised to it. */
  subscribed = false
  /** QoS 2, by packet identifier: received, and not given free. */
  private readonly received = new Map<number, string>()
  private unanswered: (() => void)[] = []

  protected override reset(): void {
    super.reset()
    this.unanswered = []
  }

  protected handle(packet: Packet): boolean {
    switch (packet.cmd) {
      case 'publish':
        this.told(packet)
        return true
      case 'pubrel': {
        const messageId = packet.messageId!
        const id = this.received.get(messageId)
        this.received.delete(messageId)
        // It goes out only when the broker knows for good that we have the message.
        if (id !== undefined) this.scene.auditor.settled(place, id, 'done')
        this.unanswered.push(() => this.say({ cmd: 'pubcomp', messageId }))
        return true
      }
      default:
        return false
    }
  }

  private told(packet: IPublishPacket): void {
    const { auditor } = this.scene
    const messageId = packet.messageId!
    const id = auditor.delivers(place, packet.payload as Buffer)
    this.note(`got ${id}`)
    if (packet.qos === 2) {
      this.received.set(messageId, id)
      this.unanswered.push(() => {
        auditor.settling(place, id, 'done')
        this.say({ cmd: 'pubrec', messageId })
      })
    } else if (packet.qos === 1) {
      this.unanswered.push(() => this.say({ cmd: 'puback', messageId }))
    }
  }

  protected async converse(): Promise<void> {
    if (!(await this.hello())) return
    if (!this.subscribed) {
      this.say({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'orders/#', qos: 2 }] })
      await this.answer('suback')
      this.subscribed = true
      this.note('subscribed')
    }
    while (!this.scene.over) {
      await this.rest(this.random.below(40))
      for (const answer of this.unanswered.splice(0, 1 + this.random.below(20))) answer()
    }
  }
}
