import { aliasedTopicMax } from '../limits.ts'
import type { Properties } from '../wire/index.ts'

/** Topic aliases towards a client (MQTT 5 section 3.3.2.3.4): the first topics get them, for the whole connection. */
export class Aliases {
  private readonly max: number
  private readonly known = new Map<string, number>()

  constructor(max: number) {
    this.max = max
  }

  /** Adds the alias that `topic` has, or would get, to `own`; true when the alias alone says it. */
  propose(topic: Buffer, own: Properties): boolean {
    if (topic.length > aliasedTopicMax) return false
    const alias = this.known.get(topic.toString('latin1'))
    if (alias !== undefined) own.topicAlias = alias
    else if (this.known.size < this.max) own.topicAlias = this.known.size + 1
    return alias !== undefined
  }

  /** The client learns of an alias only by a packet that is sent: this one is. */
  sent(topic: Buffer, own: Properties): void {
    if (own.topicAlias !== undefined) this.known.set(topic.toString('latin1'), own.topicAlias)
  }
}
