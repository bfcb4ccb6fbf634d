import type { DeliveredBatch } from '../../../core/index.ts'
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

interface BatchForms {
  /** Undefined: MQTT cannot say this address. */
  topic: Buffer | undefined
  forms: (Form | undefined)[]
}

/** The forms of the batches that are being handed out: fan-out makes each once, whoever it goes to. */
export class Forms {
  private readonly byTable = new WeakMap<RecordTable, BatchForms>()

  /** Undefined where MQTT cannot carry the record. */
  of(batch: DeliveredBatch, index: number): Form | undefined {
    let known = this.byTable.get(batch.table)
    if (known === undefined) {
      const topic = batch.address === null ? undefined : topicOf(batch.address.levels)
      this.byTable.set(batch.table, (known = { topic, forms: [] }))
    }
    if (known.topic === undefined) return undefined
    return (known.forms[index] ??= new Form(known.topic, batch.table, index, batch.foreign))
  }
}
