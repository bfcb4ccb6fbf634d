import type { Packet } from 'mqtt-packet'
import { payloadOf } from '../audit/index.ts'
import { MqttClient } from './mqtt.ts'
import { placesOf } from './scene.ts'
import type { Subscriber } from './mqtt-subscriber.ts'
import type { Scene } from './scene.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'

interface UnderWay {
  id: string
  topic: string
  qos: 1 | 2
  messageId: number
  /** QoS 2: the PUBREC has come. */
  received: boolean
}

/** Publishes one message at a time, with QoS 1 or 2, and goes on with it over a new connection. */
export class MqttPublisher extends MqttClient {
  private number = 0
  private messageId = 0
  private underWay: UnderWay | null = null
  private readonly subscriber: Subscriber

  constructor(scene: Scene, name: string, random: SimRandom, subscriber: Subscriber) {
    super(scene, name, random)
    this.subscriber = subscriber
  }

  protected handle(_packet: Packet): boolean {
    return false
  }

  protected async converse(): Promise<void> {
    if (!(await this.hello())) return
    if (this.underWay !== null) await this.bringThrough(this.underWay, true)
    while (!this.scene.over) {
      await this.rest(this.random.below(50))
      if (this.scene.quiet) continue
      await this.bringThrough((this.underWay = this.next()), false)
    }
  }

  private next(): UnderWay {
    const id = `${this.name}:${this.number++}`
    const region = this.random.once(2) ? 'eu' : 'us'
    this.scene.auditor.sends(id, ...placesOf(region, this.subscriber))
    this.messageId = (this.messageId % 65_535) + 1
    const qos = this.random.once(2) ? 1 : 2
    return { id, topic: `orders/${region}`, qos, messageId: this.messageId, received: false }
  }

  private async bringThrough(one: UnderWay, again: boolean): Promise<void> {
    const { auditor } = this.scene
    const { id, topic, qos, messageId } = one
    if (!one.received) {
      // The same once more: with QoS 1 the broker cannot know, with QoS 2 it must.
      if (again && qos === 1) auditor.sendsAgain(id)
      this.say({ cmd: 'publish', topic, payload: payloadOf(id), qos, dup: again, retain: false, messageId })
      await this.answer(qos === 1 ? 'puback' : 'pubrec')
      this.note(`acked ${id}`)
      auditor.acked(id)
      one.received = true
    }
    if (qos === 2) {
      this.say({ cmd: 'pubrel', messageId })
      await this.answer('pubcomp')
    }
    this.underWay = null
  }
}
