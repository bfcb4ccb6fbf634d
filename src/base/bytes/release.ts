/** Since ES2024; a program that embeds the broker may run on a Node without it. */
type Transferable = ArrayBufferLike & { transfer?: (bytes: number) => ArrayBuffer }

/**
 * Gives back the memory of a buffer that nobody will look at again: at once, not when garbage is collected, so that the
 * next one of its size is memory that the processor still has at hand. Left alone where the memory is not all its own.
 */
export function release(bytes: Uint8Array): void {
  const memory: Transferable = bytes.buffer
  if (memory.byteLength === bytes.length) memory.transfer?.(0)
}
