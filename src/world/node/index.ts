export { systemClock } from './clock.ts'
export { startCommitWorkerAhead } from './commit-worker-start.ts'
export { keepCompiled, reuseCompiled } from './compile-cache.ts'
export {
  announce,
  inputChunks,
  OutputError,
  readInput,
  readTextFile,
  writeError,
  writeOutput,
  writeOutputBytes,
} from './console.ts'
export { boundHeap } from './heap.ts'
export { callHttp } from './http.ts'
export type { HttpCall } from './http.ts'
export { systemNet } from './net.ts'
export { openFilesMax } from './open-files.ts'
export { systemRandom } from './random.ts'
export { SystemTimers, systemTimers } from './timers.ts'
export { NodeDisk } from './disk.ts'
