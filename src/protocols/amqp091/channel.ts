import type { Id } from '../../core/index.ts'
import type { Consumer, Pool } from './consumer.ts'
import type { Content } from './content.ts'
import type { Link } from './link.ts'
import type { Transaction } from './transaction.ts'
import { Unsettled, type SettledRange } from './unsettled.ts'

/** Where basic.consume on `amq.rabbitmq.reply-to` leads: an address of its own, and the tag of who listens. */
export interface ReplyConsumer {
  tag: string
  tagBytes: Buffer
  /** The routing key that replies are sent to. */
  name: string
  route: Id
}

/** One channel. It is `closing` from our channel.close until the client's close-ok, and hears nothing else. */
export class Channel {
  readonly number: number
  readonly link: Link
  state: 'open' | 'closing' | 'closed' = 'open'
  /** Its close (or the connection's) went out: what would still be answered is left unsaid. */
  muted = false
  /** Sequence number of the next publish; 0 = no confirms were asked for. */
  nextPublish = 0
  /** Sequence number up to which all publishes were answered. */
  confirmedUpTo = 0
  nextDeliveryTag = 1
  readonly unsettled = new Unsettled()
  readonly consumers = new Map<string, Consumer>()
  replyConsumer: ReplyConsumer | null = null
  /** After tx.select: what was done since and waits for tx.commit. */
  transaction: Transaction | null = null
  /** What an empty queue name means. */
  lastQueue = ''
  /** basic.qos for consumers to come. */
  prefetch = 0
  pool: Pool | null = null
  /** The publish whose content is arriving. */
  content: Content | null = null

  constructor(number: number, link: Link) {
    this.number = number
    this.link = link
  }

  get open(): boolean {
    return this.state === 'open'
  }

  /** The publish under way is over, whole or not. */
  dropContent(): void {
    if (this.content !== null && this.content.parts) this.link.arrives(-this.content.bodyBytes)
    this.content = null
  }

  take(count: number): number {
    const first = this.nextDeliveryTag
    this.nextDeliveryTag += count
    return first
  }

  /** Settles one tag, or all up to it; false: there is no such delivery. */
  settle(tag: number, multiple: boolean, take: (range: SettledRange) => void): boolean {
    return multiple ? this.unsettled.settleUpTo(tag, take) : this.unsettled.settle(tag, take)
  }
}
