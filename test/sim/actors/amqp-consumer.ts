import { AmqpClient, type Delivered } from './amqp.ts'

const place = 'captured'

/** Consumes the queue `captured`; acknowledges most, and now and then makes sure that this is durable. */
export class AmqpConsumer extends AmqpClient {
  /** Tags that wait for their answer. */
  private waiting = new Map<number, string>()
  private sure: string[] = []
  /** What it was given, and has not made sure of. */
  private given: string[] = []
  private left = false

  /** It has said goodbye: what it held is free again. */
  override get resting(): boolean {
    return this.left
  }

  protected override reset(): void {
    super.reset()
    this.waiting = new Map()
    this.sure = []
    this.given = []
  }

  protected override delivered({ tag, payload, redelivered }: Delivered): void {
    const id = this.scene.auditor.delivers(place, payload, undefined, redelivered)
    this.given.push(id)
    this.note(`got ${id}`)
    this.waiting.set(tag, id)
  }

  protected async converse(): Promise<void> {
    if (!(await this.login())) return
    this.say('basic.qos', { prefetchSize: 0, prefetchCount: 10, global: false })
    if ((await this.answer('basic.qos-ok')) === null) return
    const flags = { noLocal: false, noAck: false, exclusive: false, nowait: false }
    this.say('basic.consume', { ticket: 0, queue: place, consumerTag: 'c', ...flags, arguments: [] })
    if ((await this.answer('basic.consume-ok')) === null) return
    while (!this.scene.over) {
      await this.rest(this.random.below(40))
      if (this.scene.quiet) return this.leave()
      this.settleSome()
      if (this.sure.length > 0 && this.random.once(4)) await this.makeSure()
    }
  }

  private settleSome(): void {
    const { auditor } = this.scene
    const tags = [...this.waiting.keys()].slice(0, 1 + this.random.below(5))
    for (const deliveryTag of tags) {
      const id = this.waiting.get(deliveryTag)!
      this.waiting.delete(deliveryTag)
      if (this.random.once(5)) {
        this.say('basic.nack', { deliveryTag, multiple: false, requeue: true })
        continue
      }
      auditor.settling(place, id, 'done')
      this.sure.push(id)
      if (this.random.once(6)) this.say('basic.reject', { deliveryTag, requeue: false })
      else this.say('basic.ack', { deliveryTag, multiple: false })
    }
  }

  /** What a queue is told only when all before is durable: so are the deliveries and the acknowledgements. */
  private async makeSure(): Promise<void> {
    const settled = this.sure.splice(0)
    const given = this.given.splice(0)
    if (!(await this.declare(place, true))) return
    this.scene.auditor.told(place, given)
    for (const id of settled) this.scene.auditor.settled(place, id, 'done')
    this.note(`settled ${settled.join(' ')}`)
  }

  private async leave(): Promise<void> {
    await this.makeSure()
    this.say('connection.close', { replyCode: 200, replyText: '', classId: 0, methodId: 0 }, 0)
    await this.answer('connection.close-ok')
    this.left = true
    while (!this.scene.over) await this.scene.sleep(100)
  }
}
