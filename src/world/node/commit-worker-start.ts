import { Worker } from 'node:worker_threads'
import { dataBytes, sharedBytes, type CommitWorkerData } from './commit-protocol.ts'

/** A commit worker that has been started, and what it shares with the loop. */
export interface CommitWorker extends CommitWorkerData {
  worker: Worker
}

function start(): CommitWorker {
  // The sources run as they are; a build puts the worker beside, compiled.
  const name = import.meta.url.endsWith('.ts') ? './commit-worker.ts' : './commit-worker.js'
  const workerData: CommitWorkerData = {
    shared: new SharedArrayBuffer(sharedBytes),
    data: [new SharedArrayBuffer(dataBytes), new SharedArrayBuffer(dataBytes)],
  }
  const worker = new Worker(new URL(name, import.meta.url), {
    workerData,
    name: 'commit',
    // Flags of the process (`--input-type`) need not suit a file.
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  })
  return { worker, ...workerData }
}

let ahead: CommitWorker | null = null

/**
 * Starts the worker of the first commit thread before anybody asks for that: a thread with a runtime of its own takes
 * some 100 ms to start. This file imports next to nothing, so that it can be called first of all.
 */
export function startCommitWorkerAhead(): void {
  ahead = start()
  // Perhaps there will be no commit thread: then nothing waits for it.
  ahead.worker.unref()
  ahead.worker.once('error', ignore)
}

const ignore = (): void => undefined

/** The one that was started ahead, where it is there and nobody has it; else a new one. */
export function takeCommitWorker(): CommitWorker {
  const taken = ahead
  ahead = null
  // One that has died has no id any more.
  if (taken === null || taken.worker.threadId < 0) return start()
  taken.worker.ref()
  taken.worker.removeListener('error', ignore)
  return taken
}
