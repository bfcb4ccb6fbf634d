import type { Outcome } from '../base/index.ts'

/**
 * The disk as the log sees it: one folder, its files by relative path ('/' between names), bytes by position.
 * Everything is asynchronous and off the caller's thread. Operations reject with a `DiskError`. A failed write or
 * sync leaves the written range undecided: nobody may try it again on the same pages (storage rule F10).
 */
export interface Disk {
  /** `read`: must exist; `write`: read and write, must exist; `create`: read and write, made empty or emptied. */
  open(path: string, mode: OpenMode): Promise<DiskFile>
  /** Null when there is no such file. */
  stat(path: string): Promise<FileFacts | null>
  /** Names in a folder, sorted; empty when it does not exist. */
  list(folder: string): Promise<string[]>
  /** Durable when it resolves, unless the folder was there already. */
  makeFolder(path: string): Promise<void>
  /** Replaces `to`. Durable only after `syncFolder`. */
  rename(from: string, to: string): Promise<void>
  /** No error when it is gone already. Durable only after `syncFolder`. */
  remove(path: string): Promise<void>
  syncFolder(path: string): Promise<void>
  space(): Promise<DiskSpace>
  /** Whether writing zeros ahead makes later commits cheaper; false where files have no blocks. */
  readonly prefill: boolean
  /** One process at a time on this folder. `inUse` says who holds it. */
  lock(): Promise<Outcome<Lock>>
  /** The thread that commits; one for each journal. */
  commitThread(layout: SealLayout): CommitThread
}

export type OpenMode = 'read' | 'write' | 'create'

export interface FileFacts {
  bytes: number
  /** Names of the file. A file with a second one is a backup's too and must not be overwritten. */
  links: number
}

export interface DiskSpace {
  freeBytes: number
  totalBytes: number
}

export interface Lock {
  release(): Promise<void>
}

export interface DiskFile {
  readonly path: string
  bytes(): Promise<number>
  /** Fills `into` from position `at`; returns how many bytes there were, fewer only at the end of the file. */
  read(into: Uint8Array, at: number): Promise<number>
  /** Writes all of `bytes` at position `at`. */
  write(bytes: Uint8Array, at: number): Promise<void>
  sync(): Promise<void>
  truncate(bytes: number): Promise<void>
  close(): Promise<void>
}

/**
 * Where the commit thread finds and puts what it computes off the loop (P1): positions within a header of
 * `headerBytes`. It writes the CRC-32C of the body at `bodyCrcAt` and that of the header before it at `headerCrcAt`
 * (little-endian). The chain is the first 16 bytes of sha256(header before `headerCrcAt`); at `chainAt` stands that of
 * the header before.
 */
export interface SealLayout {
  headerBytes: number
  chainAt: number
  bodyCrcAt: number
  headerCrcAt: number
}

export interface CommitThread {
  /** The file must exist. `sync`: commits to it return only when they are on the disk. */
  open(path: string, sync: boolean): Promise<CommitFile>
  /**
   * Hands over a write. Two may be handed over, but one is in flight: the second is begun when the first is on the disk,
   * and only then; when that fails it is not tried, and its `done` not called. May call `done` before it returns
   * (bounded wait, P4).
   */
  commit(write: CommitWrite, done: CommitDone): void
  /** Waits for what was handed over; only then may the files be closed that it writes to. */
  close(): Promise<void>
}

export interface CommitFile {
  readonly path: string
  close(): Promise<void>
}

export interface CommitWrite {
  file: CommitFile
  at: number
  /** One after the other. Not to be touched before `done`. */
  slices: readonly Buffer[]
  /** Index of the slice that begins with the header. */
  header: number
  /** Bytes after the header that its body CRC covers; what follows is padding. */
  bodyBytes: number
  /** It was handed over while another was in flight: the thread puts the chain of that one into the header. */
  follows: boolean
}

/** `chain`: 16 bytes, of the header just written; worthless when `error` is not null. */
export type CommitDone = (error: DiskError | null, chain: Buffer) => void

export type DiskErrorKind = 'full' | 'notFound' | 'denied' | 'io'

export class DiskError extends Error {
  override name = 'DiskError'
  readonly kind: DiskErrorKind
  readonly operation: string
  readonly path: string

  constructor(kind: DiskErrorKind, operation: string, path: string, detail: string) {
    super(`${operation} ${path}: ${detail}`)
    this.kind = kind
    this.operation = operation
    this.path = path
  }
}
