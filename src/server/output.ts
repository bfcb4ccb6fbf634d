import type { Connection } from '../world/index.ts'

/** Below this copying costs less than one more entry for the system call. */
const copyBytesMax = 4096
/**
 * A slice up to this size of something much larger is copied, too: in the queue of a socket that takes no more it would
 * keep all of that in memory, a slab of the log for each message (storage D4).
 */
const sliceBytesMax = 256 * 1024
const slabBytes = 64 * 1024
/** So much at a time is handed to the socket, so that it is seen how far it has come. */
const pieceBytes = 1024 * 1024
const pieceChunks = 2

let slab = Buffer.allocUnsafeSlow(0)
let used = 0

/** A piece of a slab that all connections share; a slab lives until the last of its pieces was sent. */
function allocate(bytes: number): Buffer {
  if (bytes > slabBytes / 4) return Buffer.allocUnsafeSlow(bytes)
  if (used + bytes > slab.length) {
    slab = Buffer.allocUnsafeSlow(slabBytes)
    used = 0
  }
  return slab.subarray(used, (used += bytes))
}

/** Of all chunks that are slices of the same memory, how many bytes they have together. */
function sharesOf(chunks: readonly Uint8Array[]): ReadonlyMap<ArrayBufferLike, number> {
  const shares = new Map<ArrayBufferLike, number>()
  for (const { buffer, length } of chunks) shares.set(buffer, (shares.get(buffer) ?? 0) + length)
  return shares
}

/**
 * Joins runs of small chunks, so that a turn's many little frames go out as one; large chunks pass uncopied, and so do
 * slices of memory that is sent for the most part.
 */
export function coalesce(chunks: readonly Uint8Array[], alone = false): readonly Uint8Array[] {
  if (chunks.length < 2) return chunks
  const shares = chunks.some(({ length }) => length >= copyBytesMax) ? sharesOf(chunks) : null
  const isCopied = ({ length, buffer }: Uint8Array): boolean =>
    length < copyBytesMax || (length < sliceBytesMax && buffer.byteLength > 4 * shares!.get(buffer)!)
  const out: Uint8Array[] = []
  let first = 0
  while (first < chunks.length) {
    let end = first
    let bytes = 0
    while (end < chunks.length && isCopied(chunks[end]!)) bytes += chunks[end++]!.length
    if (end - first > 1) out.push(copyRun(chunks, first, end, alone ? Buffer.allocUnsafeSlow(bytes) : allocate(bytes)))
    else if (end > first) out.push(chunks[first]!)
    if (end < chunks.length) out.push(chunks[end]!)
    first = end + 1
  }
  return out
}

function copyRun(chunks: readonly Uint8Array[], first: number, end: number, run: Buffer): Buffer {
  let at = 0
  for (let index = first; index < end; index++) {
    run.set(chunks[index]!, at)
    at += chunks[index]!.length
  }
  return run
}

/** What waits for a slow reader must not keep alive slabs or blocks that it is a small part of (storage D4). */
function ownMemory(chunks: readonly Uint8Array[]): Uint8Array[] {
  const shares = sharesOf(chunks)
  return chunks.map((chunk) => {
    if (shares.get(chunk.buffer)! * 2 > chunk.buffer.byteLength) return chunk
    const copy = Buffer.allocUnsafeSlow(chunk.length)
    copy.set(chunk)
    return copy
  })
}

/** How many chunks go as one piece: small slices of much memory each are few, or they would keep all of that. */
function pieceOf(chunks: readonly Uint8Array[]): number {
  let bytes = 0
  let kept = 0
  let last: ArrayBufferLike | undefined
  for (let count = 0; count < chunks.length; count++) {
    const { length, buffer } = chunks[count]!
    bytes += length
    if (buffer !== last) kept += buffer.byteLength
    last = buffer
    if (count >= pieceChunks && (bytes > pieceBytes || kept > 2 * pieceBytes)) return count
  }
  return chunks.length
}

/** Bytes on their way to one socket: a turn's writes together, and no more than a piece in the socket's own queue. */
export class Output {
  /** Written and not taken by the operating system. */
  bytes = 0
  readonly #connection: Connection
  /** Written since the last flush. */
  #turn: Uint8Array[] = []
  #turnBytes = 0
  /** For the socket, once it has taken what it has. */
  #waiting: Uint8Array[] = []
  #sending = 0
  /** Bytes since the beginning, and who wants to know when so many have been taken. */
  #written = 0
  #marks: { at: number; run: () => void }[] = []

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Of this turn; a connection with none has nothing to flush. */
  get turnBytes(): number {
    return this.#turnBytes
  }

  push(bytes: Uint8Array): void {
    this.#turn.push(bytes)
    this.#turnBytes += bytes.length
    this.bytes += bytes.length
    this.#written += bytes.length
  }

  whenTaken(run: () => void): void {
    this.#marks.push({ at: this.#written, run })
    this.#tell()
  }

  #tell(): void {
    const taken = this.#written - this.bytes
    while (this.#marks.length > 0 && this.#marks[0]!.at <= taken) this.#marks.shift()!.run()
  }

  /** Hands over what the socket takes now; `all`: even what it does not, since nothing will follow. */
  flush(all = false): void {
    const turn = this.#turn
    this.#turn = []
    this.#turnBytes = 0
    if (this.#sending === 0 && this.#waiting.length === 0 && turn.length > 0) {
      this.#send(coalesce(turn), all)
    } else if (turn.length > 0) {
      this.#waiting.push(...ownMemory(coalesce(turn, true)))
    }
    if (all && this.#waiting.length > 0) this.#connection.send(this.#waiting.splice(0))
    this.#tell()
  }

  /** The socket has taken all that it was given: the next piece. True: nothing is left. */
  taken(): boolean {
    if (this.#connection.buffered > 0) return false
    this.bytes -= this.#sending
    this.#sending = 0
    while (this.#waiting.length > 0 && this.#sending === 0) this.#send(coalesce(this.#waiting.splice(0)), false)
    this.#tell()
    return this.bytes === 0
  }

  #send(chunks: readonly Uint8Array[], all: boolean): void {
    const count = all ? chunks.length : pieceOf(chunks)
    let bytes = 0
    for (let i = 0; i < count; i++) bytes += chunks[i]!.length
    this.#sending = bytes
    this.#connection.send(count === chunks.length ? chunks : chunks.slice(0, count))
    if (this.#connection.buffered === 0) {
      this.bytes -= bytes
      this.#sending = 0
      if (count < chunks.length) this.#send(chunks.slice(count), all)
    } else if (count < chunks.length) {
      this.#waiting.push(...ownMemory(chunks.slice(count)))
    }
  }
}
