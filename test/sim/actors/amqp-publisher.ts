import { payloadOf } from '../audit/index.ts'
import { AmqpClient } from './amqp.ts'
import { placesOf } from './scene.ts'
import type { Subscriber } from './mqtt-subscriber.ts'
import type { Scene } from './scene.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'

const unconfirmedMax = 8

/** Publishes with confirms: to `amq.topic`, and to the queue `work` by its name. */
export class AmqpPublisher extends AmqpClient {
  private number = 0
  private tag = 0
  private unconfirmed = new Map<number, string>()
  private readonly subscriber: Subscriber

  constructor(scene: Scene, name: string, random: SimRandom, subscriber: Subscriber) {
    super(scene, name, random)
    this.subscriber = subscriber
  }

  override get resting(): boolean {
    return super.resting && this.unconfirmed.size === 0
  }

  protected override reset(): void {
    super.reset()
    this.tag = 0
    this.unconfirmed = new Map()
  }

  protected override confirmed(tag: number, multiple: boolean, ok: boolean): void {
    const { auditor } = this.scene
    for (const [each, id] of this.unconfirmed) {
      if (each !== tag && !(multiple && each < tag)) continue
      this.unconfirmed.delete(each)
      this.note(`${ok ? 'acked' : 'nacked'} ${id}`)
      if (ok) auditor.acked(id)
    }
  }

  protected async converse(): Promise<void> {
    if (!(await this.login())) return
    this.say('confirm.select', { nowait: false })
    if ((await this.answer('confirm.select-ok')) === null) return
    while (!this.scene.over) {
      await this.rest(this.random.below(40))
      if (this.scene.quiet) continue
      for (let n = this.random.below(4); n >= 0; n--) this.publishOne()
      await this.wait(() => (this.unconfirmed.size < unconfirmedMax ? true : undefined))
    }
  }

  private publishOne(): void {
    const id = `${this.name}:${this.number++}`
    const toWork = this.random.once(3)
    const region = this.random.once(2) ? 'eu' : 'us'
    if (toWork) this.scene.auditor.sends(id, ['work'])
    else this.scene.auditor.sends(id, ...placesOf(region, this.subscriber))
    this.unconfirmed.set(++this.tag, id)
    if (toWork) this.publish('', 'work', payloadOf(id))
    else this.publish('amq.topic', `orders.${region}`, payloadOf(id))
  }
}
