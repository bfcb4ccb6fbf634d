/** Below this copying costs less than one more entry for the system call. */
const copyBytesMax = 4096
const slabBytes = 256 * 1024

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

/** Joins runs of small chunks, so that a turn's many little frames go out as one; large chunks pass uncopied. */
export function coalesce(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  if (chunks.length < 2) return chunks
  const out: Uint8Array[] = []
  let first = 0
  while (first < chunks.length) {
    let end = first
    let bytes = 0
    while (end < chunks.length && chunks[end]!.length < copyBytesMax) bytes += chunks[end++]!.length
    if (end - first > 1) out.push(copyRun(chunks, first, end, bytes))
    else if (end > first) out.push(chunks[first]!)
    if (end < chunks.length) out.push(chunks[end]!)
    first = end + 1
  }
  return out
}

function copyRun(chunks: readonly Uint8Array[], first: number, end: number, bytes: number): Buffer {
  const run = allocate(bytes)
  let at = 0
  for (let index = first; index < end; index++) {
    run.set(chunks[index]!, at)
    at += chunks[index]!.length
  }
  return run
}
