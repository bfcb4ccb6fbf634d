export type { Clock, Random, Timer, Timers } from './clock.ts'
export type {
  Accept,
  Connection,
  ConnectionEvents,
  Endpoint,
  HttpHandler,
  HttpReply,
  HttpRequest,
  HttpSink,
  HttpStream,
  Listening,
  Net,
  WebSocketTerms,
} from './net.ts'
export { DiskError } from './disk.ts'
export type {
  CommitDone,
  CommitFile,
  CommitThread,
  CommitWrite,
  Disk,
  DiskErrorKind,
  DiskFile,
  DiskSpace,
  FileFacts,
  Lock,
  OpenMode,
  SealLayout,
} from './disk.ts'
export { chainBytes, chainOf, sealHeader } from './seal.ts'
export { SteadyClock } from './steady-clock.ts'
export type { World } from './world.ts'
export { MemoryDisk } from './sim/memory-disk.ts'
