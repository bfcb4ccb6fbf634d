import type { Properties } from '../wire/index.ts'

/** Topic aliases towards a client (MQTT 5 section 3.3.2.3.4): the first topics get them, for the whole connection. */
export class Aliases {
  private readonly max: number
  private readonly known = new Map<string, number>()

  constructor(max: number) {
    this.max = max
  }

  /** Adds the alias of `topic` to `own`; true when the alias alone says it. */
  apply(topic: Buffer, own: Properties): boolean {
    const key = topic.toString('latin1')
    const alias = this.known.get(key)
    if (alias !== undefined) {
      own.topicAlias = alias
      return true
    }
    if (this.known.size < this.max) {
      own.topicAlias = this.known.size + 1
      this.known.set(key, own.topicAlias)
    }
    return false
  }
}
