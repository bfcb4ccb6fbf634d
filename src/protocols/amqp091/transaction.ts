import type { Verdict } from '../../core/index.ts'
import type { PublishFacts } from './content.ts'
import { refuse } from './errors.ts'
import { limits } from './limits.ts'
import type { Link } from './link.ts'
import type { PublishRoute } from './publish-route.ts'

export interface HeldPublish {
  route: PublishRoute
  facts: PublishFacts
  body: Buffer
}

export interface HeldAnswer {
  tag: number
  multiple: boolean
  verdict: Verdict
}

/** What a publish, or an acknowledgement, costs beside its bytes; roughly. */
const publishBytes = 400
const answerBytes = 80
/** What the client said is in the envelope by now; decoded it may take many times as much. */
const unread = {}

/** What a channel has published and acknowledged since tx.select, tx.commit or tx.rollback: nothing of it has happened. */
export class Transaction {
  private readonly link: Link
  private publishes: HeldPublish[] = []
  private answers: HeldAnswer[] = []
  /** Tags that have their answer: all up to the one, and the others. */
  private answeredThrough = 0
  private answered = new Set<number>()
  private bytes = 0

  constructor(link: Link) {
    this.link = link
  }

  publish(held: HeldPublish): void {
    this.hold(bytesOf(held))
    this.publishes.push({ ...held, facts: { ...held.facts, properties: unread } })
  }

  answer(held: HeldAnswer): void {
    this.hold(answerBytes)
    this.answers.push(held)
    if (held.multiple) this.answeredThrough = Math.max(this.answeredThrough, held.tag)
    else this.answered.add(held.tag)
  }

  /** The client has answered it already: it must not do so twice, though nothing has happened yet. */
  hasAnswer(tag: number): boolean {
    return tag <= this.answeredThrough || this.answered.has(tag)
  }

  /** All channels of a connection share one bound, and all connections the memory that there is. */
  private hold(bytes: number): void {
    const { link } = this
    if (link.transactionBytes + bytes > limits.transactionBytesMax) {
      refuse('PRECONDITION_FAILED', `transactions of more than ${limits.transactionBytesMax} bytes`)
    }
    this.bytes += bytes
    link.holds(bytes)
    if (link.peer.room < 0) refuse('PRECONDITION_FAILED', 'there is no memory for so large a transaction now')
  }

  /** All of it, to be done now; or, when nobody looks at it, to be forgotten. */
  end(): { publishes: readonly HeldPublish[]; answers: readonly HeldAnswer[] } {
    const { publishes, answers } = this
    this.publishes = []
    this.answers = []
    this.answeredThrough = 0
    this.answered = new Set()
    this.link.holds(-this.bytes)
    this.bytes = 0
    return { publishes, answers }
  }
}

function bytesOf({ route, facts, body }: HeldPublish): number {
  const { exchange, routingKey } = route.args
  let bytes = publishBytes + body.length + exchange.length + routingKey.length
  bytes += (facts.envelope?.length ?? 0) + (facts.key?.length ?? 0)
  for (const copy of facts.copies) bytes += copy.length
  return bytes
}
