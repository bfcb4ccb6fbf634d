import type { Store } from '../../log/index.ts'

export type Level = 'fsync' | 'os'

interface Reply {
  commit: number
  release: (failed: boolean) => void
}

/** First in, first out; the consumed front is cut off when it is the larger part. */
class ReplyQueue {
  private replies: Reply[] = []
  private head = 0

  push(reply: Reply): void {
    this.replies.push(reply)
  }

  releaseUpTo(commit: number, failed: boolean): void {
    while (this.head < this.replies.length && this.replies[this.head]!.commit <= commit) {
      this.replies[this.head++]!.release(failed)
    }
    if (this.head > 1024 && this.head * 2 > this.replies.length) {
      this.replies = this.replies.slice(this.head)
      this.head = 0
    }
  }

  get first(): number {
    return this.head < this.replies.length ? this.replies[this.head]!.commit : Infinity
  }

  get last(): number {
    return this.head < this.replies.length ? this.replies.at(-1)!.commit : 0
  }
}

/**
 * Holds each reply until the commit that it depends on is as durable as promised (storage F9). Replies of one level
 * leave in the order they came; an `os` reply does not overtake an `fsync` one of the same or an earlier commit only
 * where its caller asks for that by passing `fsync`.
 */
export class Releases {
  private readonly store: Store
  private readonly fsync = new ReplyQueue()
  private readonly os = new ReplyQueue()
  private failed = false

  constructor(store: Store) {
    this.store = store
  }

  /** `value`, once `commit` is durable (or written, at level `os`); `failure()` if the store fails before that. */
  when<T>(commit: number, level: Level, value: T, failure: () => T): Promise<T> {
    if (this.failed) return Promise.resolve(failure())
    const queue = level === 'fsync' ? this.fsync : this.os
    const reached = level === 'fsync' ? this.store.durable : this.store.written
    if (commit <= reached && queue.last <= reached) return Promise.resolve(value)
    // A later reply may depend on an earlier commit; in its turn it leaves with the one before it.
    const turn = Math.max(commit, queue.last)
    return new Promise<T>((resolve) => {
      queue.push({ commit: turn, release: (failed) => resolve(failed ? failure() : value) })
    })
  }

  /** The oldest commit that an answer waits for to be synced; Infinity when none does. */
  get firstSynced(): number {
    return this.fsync.first
  }

  progress(): void {
    this.os.releaseUpTo(this.store.written, false)
    this.fsync.releaseUpTo(this.store.durable, false)
  }

  fail(): void {
    this.failed = true
    this.os.releaseUpTo(Infinity, true)
    this.fsync.releaseUpTo(Infinity, true)
  }
}
