import { fdatasyncSync, writevSync } from 'node:fs'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { sealHeader } from '../seal.ts'
import {
  chainAt,
  errorAt,
  errorBytesMax,
  field,
  sharedBytes,
  type CommitWorkerData,
  type MemoryMessage,
} from './commit-protocol.ts'

/** The commit thread: sleeps until there is a job, seals the header, writes and syncs with blocking calls (P1). */
const { shared, ...layout } = workerData as CommitWorkerData
const port = parentPort!
const fields = new Int32Array(shared, 0, chainAt / 4)
const bytes = Buffer.from(shared, 0, sharedBytes)
const memories: (SharedArrayBuffer | null)[] = []

function learnMemories(): void {
  for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
    const { slot, memory } = got.message as MemoryMessage
    memories[slot] = memory
  }
}

function slicesOfJob(): Buffer[] {
  const slices: Buffer[] = []
  for (let i = 0; i < fields[field.slices]!; i++) {
    const at = field.firstSlice + 3 * i
    slices.push(Buffer.from(memories[fields[at]!]!, fields[at + 1], fields[at + 2]))
  }
  return slices
}

function writeAll(descriptor: number, slices: Buffer[], position: number): void {
  let rest = slices
  let at = position
  while (rest.length > 0) {
    let written = writevSync(descriptor, rest, at)
    if (written === 0) throw new Error('nothing was written')
    at += written
    let i = 0
    while (i < rest.length && written >= rest[i]!.length) written -= rest[i++]!.length
    rest = rest.slice(i)
    if (written > 0) rest[0] = rest[0]!.subarray(written)
  }
}

function run(): void {
  const started = performance.now()
  try {
    learnMemories()
    const slices = slicesOfJob()
    const chain = sealHeader(layout, slices, fields[field.headerSlice]!, fields[field.bodyBytes]!)
    const descriptor = fields[field.descriptor]!
    const position = fields[field.positionHigh]! * 0x1_0000_0000 + (fields[field.positionLow]! >>> 0)
    writeAll(descriptor, slices, position)
    if (fields[field.syncAfter] === 1) fdatasyncSync(descriptor)
    chain.copy(bytes, chainAt)
    fields[field.errorBytes] = 0
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    fields[field.errorBytes] = bytes.write(`${code}\n${message}`, errorAt, errorBytesMax)
  }
  fields[field.tookUs] = Math.round((performance.now() - started) * 1000)
}

for (let seen = 0; ;) {
  Atomics.wait(fields, field.request, seen)
  if (Atomics.load(fields, field.quit) === 1) break
  seen = Atomics.load(fields, field.request)
  run()
  Atomics.store(fields, field.done, seen)
  Atomics.notify(fields, field.done)
  if (Atomics.exchange(fields, field.wantMessage, 0) === 1) port.postMessage(null)
}
