import type { SimRandom } from '../../../src/world/sim/random.ts'
import { payloadOf } from '../audit/index.ts'
import { AmqpClient } from './amqp.ts'
import type { Changing } from './changing.ts'
import type { Scene } from './scene.ts'

/** Makes a queue, publishes to it, takes some of it, empties it, deletes it, and makes it again. */
export class AmqpOwner extends AmqpClient {
  private readonly queue: Changing
  private number = 0
  private tag = 0
  private unconfirmed = new Map<number, string>()

  constructor(scene: Scene, name: string, random: SimRandom) {
    super(scene, name, random)
    this.queue = scene.changing.queue
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
    for (const [each, id] of this.unconfirmed) {
      if (each !== tag && !(multiple && each < tag)) continue
      this.unconfirmed.delete(each)
      if (ok) this.scene.auditor.acked(id)
    }
  }

  protected async converse(): Promise<void> {
    if (!(await this.login())) return
    this.say('confirm.select', { nowait: false })
    if ((await this.answer('confirm.select-ok')) === null) return
    while (!this.scene.over) {
      await this.rest(this.random.below(30))
      if (this.scene.quiet) continue
      if (!(await this.act())) return
    }
  }

  /** False: the channel or the connection is closed. */
  private act(): Promise<boolean> {
    if (this.queue.state === 'deleting') return this.delete()
    if (this.queue.state !== 'there') return this.make()
    const drawn = this.random.below(12)
    if (drawn === 0) return this.delete()
    if (drawn === 1) return this.purge()
    return drawn < 6 ? this.take() : this.fill()
  }

  private async make(): Promise<boolean> {
    const { queue, scene } = this
    if (queue.state === 'gone') scene.auditor.addPlace(queue.begin(), 'queue')
    if (!(await this.declare(queue.name, false))) return false
    queue.state = 'there'
    this.note(`made ${queue.place}`)
    return true
  }

  private async fill(): Promise<boolean> {
    const { name, place } = this.queue
    for (let n = this.random.below(4); n >= 0; n--) {
      const id = `${this.name}:${this.number++}`
      this.scene.auditor.sends(id, [place])
      this.unconfirmed.set(++this.tag, id)
      this.publish('', name, payloadOf(id))
    }
    await this.wait(() => (this.unconfirmed.size === 0 ? true : undefined))
    return true
  }

  private async take(): Promise<boolean> {
    const { auditor } = this.scene
    const { name, place } = this.queue
    const got = await this.get(name)
    if (got === null) return false
    if (got === undefined) return true
    const id = auditor.delivers(place, got.payload, undefined, got.redelivered)
    this.note(`got ${id}`)
    if (this.random.once(4)) {
      this.say('basic.nack', { deliveryTag: got.tag, multiple: false, requeue: true })
      return true
    }
    auditor.settling(place, id, 'done')
    this.say('basic.ack', { deliveryTag: got.tag, multiple: false })
    if (!(await this.declare(name, true))) return false
    auditor.told(place, [id])
    auditor.settled(place, id, 'done')
    return true
  }

  private async purge(): Promise<boolean> {
    const { auditor } = this.scene
    const { name, place } = this.queue
    const ids = auditor.clears(place)
    this.say('queue.purge', { ticket: 0, queue: name, nowait: false })
    if ((await this.answer('queue.purge-ok')) === null) return false
    for (const id of ids) auditor.settled(place, id, 'done')
    this.note(`purged ${place}: ${ids.join(' ')}`)
    return true
  }

  private async delete(): Promise<boolean> {
    const { queue } = this
    queue.state = 'deleting'
    this.say('queue.delete', { ticket: 0, queue: queue.name, ifUnused: false, ifEmpty: false, nowait: false })
    if ((await this.answer('queue.delete-ok')) === null) return false
    queue.state = 'gone'
    this.note(`deleted ${queue.place}`)
    this.scene.auditor.deleted(queue.place)
    return true
  }
}
