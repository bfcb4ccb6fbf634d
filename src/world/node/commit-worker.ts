import { fdatasyncSync, writeSync } from 'node:fs'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { sealHeader } from '../seal.ts'
import {
  errorBytesMax,
  field,
  fieldsOf,
  jobField,
  jobsOf,
  type CommitWorkerData,
  type DataMessage,
  type Job,
} from './commit-protocol.ts'

/** The commit thread: sleeps until there is a job, seals the header, writes and syncs with blocking calls (P1). */
const given = workerData as CommitWorkerData
const port = parentPort!
const fields = fieldsOf(given.shared)
const jobs = jobsOf(given)
/** Of the job before; null: it did not go well. */
let chain: Buffer | null = null

function learnData(): void {
  for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
    const { job, data } = got.message as DataMessage
    jobs[job].data = Buffer.from(data)
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

/** Returns the chain of the header that it wrote. */
function commit(job: Job): Buffer {
  learnData()
  const data = job.data.subarray(0, job.fields[jobField.dataBytes])
  const layout = {
    headerBytes: fields[field.headerBytes]!,
    chainAt: fields[field.chainAt]!,
    bodyCrcAt: fields[field.bodyCrcAt]!,
    headerCrcAt: fields[field.headerCrcAt]!,
  }
  const header = data.subarray(job.fields[jobField.headerAt])
  if (job.fields[jobField.follows] === 1) chain!.copy(header, layout.chainAt)
  const sealed = sealHeader(layout, [header], 0, job.fields[jobField.bodyBytes]!)
  const descriptor = job.fields[jobField.descriptor]!
  const position = job.fields[jobField.positionHigh]! * 0x1_0000_0000 + (job.fields[jobField.positionLow]! >>> 0)
  writeAll(descriptor, data, position)
  if (job.fields[jobField.syncAfter] === 1) fdatasyncSync(descriptor)
  return sealed
}

function run(job: Job): void {
  if (job.fields[jobField.follows] === 1 && chain === null) return
  const started = performance.now()
  try {
    chain = commit(job)
    chain.copy(job.chain)
    job.fields[jobField.errorBytes] = 0
  } catch (error) {
    chain = null
    const { code = '', message } = error as NodeJS.ErrnoException
    job.fields[jobField.errorBytes] = job.error.write(`${code}\n${message}`, 0, errorBytesMax)
  }
  job.fields[jobField.tookUs] = Math.round((performance.now() - started) * 1000)
}

for (let seen = 0; ;) {
  Atomics.wait(fields, field.request, seen)
  if (Atomics.load(fields, field.quit) === 1) break
  seen = (seen + 1) | 0
  run(jobs[(seen & 1) as 0 | 1])
  Atomics.store(fields, field.done, seen)
  Atomics.notify(fields, field.done)
  if (Atomics.exchange(fields, field.wantMessage, 0) === 1) port.postMessage(null)
}
