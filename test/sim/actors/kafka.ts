import { Reader } from '../../../src/base/index.ts'
import { isFlexible, requestCodec, responseCodec } from '../../../src/protocols/kafka/wire/apis.ts'
import { Frames } from '../../../src/protocols/kafka/wire/frames.ts'
import type { Api, ReadOf, Table, WriteOf } from '../../../src/protocols/kafka/wire/schema.ts'
import { SlicingWriter } from '../../../src/protocols/kafka/wire/writer.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'
import { Violation } from '../audit/index.ts'
import { ports } from '../machine/machine.ts'
import { Client } from './client.ts'
import type { Scene } from './scene.ts'

export const topicName = 'orders.eu'

/** A Kafka client that asks one thing at a time. */
export abstract class KafkaClient extends Client {
  private frames = new Frames()
  private correlation = 0

  constructor(scene: Scene, name: string, random: SimRandom) {
    super(scene, name, ports.kafka, random)
  }

  protected reset(): void {
    this.frames = new Frames()
  }

  protected receive(chunk: Buffer): void {
    this.frames.push(chunk)
  }

  protected async ask<Q extends Table, R extends Table>(
    api: Api<Q, R>,
    version: number,
    request: WriteOf<Q>,
  ): Promise<ReadOf<R>> {
    const correlation = ++this.correlation
    const writer = new SlicingWriter()
    writer.i32(0)
    writer.i16(api.key)
    writer.i16(version)
    writer.i32(correlation)
    writer.i16(3)
    writer.utf8('sim')
    if (isFlexible(api, version)) writer.uvarint(0)
    requestCodec(api, version).write(writer, request)
    writer.buffer.writeInt32BE(writer.total - 4, 0)
    this.send(Buffer.concat(writer.chunks()))
    const reader = new Reader(await this.wait(() => this.frames.next() ?? undefined))
    if (reader.i32() !== correlation) throw new Violation(`${this.name}: an answer to another request`)
    if (isFlexible(api, version)) reader.uvarint()
    return responseCodec(api, version).read(reader)
  }
}
