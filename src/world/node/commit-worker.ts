import { fdatasyncSync, writeSync } from 'node:fs'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { sealHeader } from '../seal.ts'
import {
  chainAt,
  errorAt,
  errorBytesMax,
  field,
  sharedBytes,
  type CommitWorkerData,
  type DataMessage,
} from './commit-protocol.ts'

/** The commit thread: sleeps until there is a job, seals the header, writes and syncs with blocking calls (P1). */
const { shared, data: firstData } = workerData as CommitWorkerData
const port = parentPort!
const fields = new Int32Array(shared, 0, chainAt / 4)
const bytes = Buffer.from(shared, 0, sharedBytes)
let data = Buffer.from(firstData)

function learnData(): void {
  for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
    data = Buffer.from((got.message as DataMessage).data)
  }
}

/**
 * Of one call. The kernel looks for memory in one piece, as large as what it is told to write; from 2 MiB on that is memory
 * that a virtual machine has given back to its host, and the first touch of it takes ten times as long as the copying.
 */
const pieceBytesMax = 1024 * 1024

function writeAll(descriptor: number, from: Buffer, position: number): void {
  for (let done = 0; done < from.length;) {
    const piece = Math.min(from.length - done, pieceBytesMax)
    const written = writeSync(descriptor, from, done, piece, position + done)
    if (written === 0) throw new Error('nothing was written')
    done += written
  }
}

function run(): void {
  const started = performance.now()
  try {
    learnData()
    const job = data.subarray(0, fields[field.dataBytes])
    const layout = {
      headerBytes: fields[field.headerBytes]!,
      bodyCrcAt: fields[field.bodyCrcAt]!,
      headerCrcAt: fields[field.headerCrcAt]!,
    }
    const chain = sealHeader(layout, [job.subarray(fields[field.headerAt])], 0, fields[field.bodyBytes]!)
    const descriptor = fields[field.descriptor]!
    const position = fields[field.positionHigh]! * 0x1_0000_0000 + (fields[field.positionLow]! >>> 0)
    writeAll(descriptor, job, position)
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
