import { Writer } from '../../base/index.ts'
import type { CheckpointPart } from '../../log/index.ts'
import { encodeItem } from '../catalogue/partitions.ts'
import { journalLeases } from '../consume/journal.ts'
import type { Id } from '../facade/index.ts'
import { encodeAllSaved, encodeSession } from '../session/codec.ts'
import type { Shard } from '../shard/shard.ts'
import { lanePart, part, restoreOrder } from './parts.ts'

const out = new Writer(64 * 1024)

/** Writes the state of the shard's objects a part at a time; between two calls the shard goes on. */
export class Checkpointer {
  private readonly shard: Shard
  private round = -1
  private parts: Iterator<CheckpointPart> | null = null
  /** The parts of each object that the checkpoint has, so that it is told when they are gone. */
  private readonly written = new Map<Id, Set<number>>()

  constructor(shard: Shard) {
    this.shard = shard
  }

  /** At recovery: the checkpoint has this part. */
  has(object: Id, number: number): void {
    let parts = this.written.get(object)
    if (parts === undefined) this.written.set(object, (parts = new Set()))
    parts.add(number)
  }

  next(round: number, full: boolean): CheckpointPart | null {
    if (this.parts === null || round !== this.round) {
      this.round = round
      this.parts = this.run(full)
    }
    const step = this.parts.next()
    if (step.done !== true) return step.value
    this.parts = null
    return null
  }

  private *run(full: boolean): Generator<CheckpointPart, undefined> {
    const { shard } = this
    const objects = full ? allObjects(shard) : new Set(shard.stage.changed)
    shard.stage.changed.clear()
    if (full) this.written.clear()
    for (const object of objects) {
      const gone = new Set(this.written.get(object))
      for (const one of this.partsOf(object, full)) {
        gone.delete(one.part)
        this.has(object, one.part)
        yield one
      }
      for (const number of this.kept(object)) gone.delete(number)
      for (const number of gone) {
        this.written.get(object)?.delete(number)
        yield { object, part: number, state: nothing }
      }
      if (this.written.get(object)?.size === 0) this.written.delete(object)
    }
    return undefined
  }

  /** Parts of queues and of last values that have not changed are not written again, and are not gone either. */
  private kept(object: Id): number[] {
    const { leased, lastValues } = this.shard
    const first = leased.has(object) ? part.firstLane : lastValues.has(object) ? part.values : Infinity
    return [...(this.written.get(object) ?? [])].filter((number) => number >= first)
  }

  private *partsOf(object: Id, full: boolean): Generator<CheckpointPart> {
    const { shard } = this
    if (object === 0) yield { object, part: part.value, state: ids(shard.reservedIds) }
    const item = shard.catalogue.get(object)
    if (item !== undefined && !item.volatile) {
      yield { object, part: part.value, state: tagged(restoreOrder[item.spec.kind], encodeItem(item)) }
    }
    const session = shard.sessions.get(object)
    if (session?.durable) {
      yield { object, part: part.value, state: tagged(restoreOrder.session, encodeSession(session)) }
      if (session.saved.size > 0) {
        yield { object, part: part.saved, state: tagged(restoreOrder.saved, encodeAllSaved(session)) }
      }
    }
    yield* this.logParts(object)
    yield* this.subscriptionParts(object, full)
    yield* this.valueParts(object, full)
  }

  private *logParts(object: Id): Generator<CheckpointPart> {
    const log = this.shard.logs.get(object)
    if (log === undefined) return
    if (log.dedupe !== null && log.dedupe.size > 0) {
      start(restoreOrder.messageIds)
      log.dedupe.write(out)
      yield { object, part: part.messageIds, state: out.view() }
    }
    for (const partition of log.partitions) {
      if (!partition?.producers?.size) continue
      start(restoreOrder.producers)
      partition.producers.write(out)
      yield { object, part: lanePart(partition.index, 0), state: out.view() }
    }
  }

  private *subscriptionParts(object: Id, full: boolean): Generator<CheckpointPart> {
    const positional = this.shard.positional.get(object)
    if (positional !== undefined) {
      yield { object, part: part.positions, state: tagged(restoreOrder.positions, positional.encode()) }
    }
    const leased = this.shard.leased.get(object)
    if (leased === undefined) return
    for (const lane of [...leased.lanes]) {
      if (lane === null) continue
      journalLeases(this.shard, leased)
      for (const queuePart of lane.queue.checkpointParts(full)) {
        start(restoreOrder.lease)
        lane.queue.writePart(queuePart, out)
        const state = out.length === 1 ? nothing : out.view()
        yield { object, part: lanePart(lane.partition.index, queuePart), state }
      }
    }
  }

  private *valueParts(object: Id, full: boolean): Generator<CheckpointPart> {
    const state = this.shard.lastValues.get(object)
    if (state === undefined) return
    for (const { number, values } of state.values.buckets.round(full)) {
      start(restoreOrder.values)
      for (const { levels, offset, expiresAt } of values) {
        out.uvarint(levels.length)
        for (const level of levels) out.sized(Buffer.from(level, 'latin1'))
        out.uvarint(offset)
        out.uvarint(expiresAt === null ? 0 : expiresAt + 1)
      }
      yield { object, part: part.values + number, state: values.size === 0 ? nothing : out.view() }
    }
  }
}

const nothing = new Uint8Array(0)

function start(order: number): void {
  out.reset()
  out.u8(order)
}

function tagged(order: number, state: Uint8Array): Uint8Array {
  start(order)
  out.bytes(state)
  return out.view()
}

function ids(reserved: number): Uint8Array {
  start(restoreOrder.ids)
  out.f64(reserved)
  return out.view()
}

function allObjects(shard: Shard): Set<Id> {
  const objects = new Set<Id>([0])
  for (const kind of ['namespace', 'space', 'log', 'subscription', 'route'] as const) {
    for (const item of shard.catalogue.all(kind)) objects.add(item.id)
  }
  for (const id of shard.sessions.keys()) objects.add(id)
  for (const id of shard.leased.keys()) objects.add(id)
  return objects
}
