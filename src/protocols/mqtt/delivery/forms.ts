import type { DeliveredBatch, Levels } from '../../../core/index.ts'
import type { RecordTable } from '../../../log/index.ts'
import { outgoing } from '../mapping.ts'
import { topicOf } from '../names.ts'
import { encodeProperties } from '../wire/index.ts'
import type { Properties, PublishForm, Qos } from '../wire/index.ts'

const nothing = Buffer.alloc(0)

/** One record as a PUBLISH, as far as it is the same for all its receivers. */
export class Form implements PublishForm {
  readonly topic: Buffer
  readonly payload: Buffer
  readonly qos: Qos
  /** The RETAIN flag that it was published with. */
  readonly retain: boolean
  readonly expirySeconds: number | undefined
  private readonly values: Properties
  private encoded: Buffer | undefined

  constructor(topic: Buffer, table: RecordTable, index: number, foreign: boolean) {
    const { qos, retain, properties, expirySeconds } = outgoing(table, index, foreign)
    this.topic = topic
    this.payload = table.value(index) ?? nothing
    this.qos = qos
    this.retain = retain
    this.expirySeconds = expirySeconds
    this.values = properties
  }

  /** Only MQTT 5 asks for them, and the first that does pays. */
  get properties(): Buffer {
    return (this.encoded ??= encodeProperties(this.values))
  }
}

class BatchForms {
  /** Undefined: MQTT cannot say this address. */
  readonly topic: Buffer | undefined
  readonly forms: (Form | undefined)[] = []

  constructor(topic: Buffer | undefined) {
    this.topic = topic
  }
}

let lastLevels: Levels | undefined
let lastTopic: Buffer | undefined

/** Batches that follow one another mostly share their address. */
function topicBytes(levels: Levels): Buffer | undefined {
  if (levels !== lastLevels) {
    lastTopic = topicOf(levels)
    lastLevels = levels
  }
  return lastTopic
}

/**
 * One record of a batch that is being handed out: fan-out makes it once, whoever it goes to. Undefined where MQTT cannot
 * carry it. It lies at its batch: a map from batches to forms was the largest single cost of small batches.
 */
export function formOf(batch: DeliveredBatch, index: number): Form | undefined {
  let known = batch.rendered
  if (!(known instanceof BatchForms)) {
    known = batch.rendered = new BatchForms(batch.address === null ? undefined : topicBytes(batch.address.levels))
  }
  const { topic, forms } = known as BatchForms
  return topic === undefined ? undefined : (forms[index] ??= new Form(topic, batch.table, index, batch.foreign))
}
