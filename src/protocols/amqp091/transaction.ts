import type { Verdict } from '../../core/index.ts'
import type { PublishFacts } from './content.ts'
import { refuse } from './errors.ts'
import { limits } from './limits.ts'
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

/** What a channel has published and acknowledged since tx.select, tx.commit or tx.rollback: nothing of it has happened. */
export class Transaction {
  private publishes: HeldPublish[] = []
  private answers: HeldAnswer[] = []
  private bytes = 0

  publish(held: HeldPublish): void {
    this.bytes += held.body.length + (held.facts.envelope?.length ?? 0)
    if (this.bytes > limits.transactionBytesMax) {
      refuse('PRECONDITION_FAILED', `a transaction of more than ${limits.transactionBytesMax} bytes`)
    }
    this.publishes.push(held)
  }

  answer(held: HeldAnswer): void {
    if (this.answers.length >= limits.transactionAnswersMax) {
      refuse('PRECONDITION_FAILED', `a transaction of more than ${limits.transactionAnswersMax} acknowledgements`)
    }
    this.answers.push(held)
  }

  /** All of it, to be done now; or, when nobody looks at it, to be forgotten. */
  end(): { publishes: readonly HeldPublish[]; answers: readonly HeldAnswer[] } {
    const { publishes, answers } = this
    this.publishes = []
    this.answers = []
    this.bytes = 0
    return { publishes, answers }
  }
}
