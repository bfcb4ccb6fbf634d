const rotated = new Uint8Array(4)
const word = new Uint32Array(rotated.buffer)
/** Below this the bytes one by one take no longer. */
const wordsBytesMin = 32

/** Takes the mask off `bytes`, in place; the first of them is byte `phase` of the payload (RFC 6455, 5.3). */
export function unmask(bytes: Uint8Array, key: Uint8Array, phase: number): void {
  const { length } = bytes
  let at = 0
  if (length >= wordsBytesMin) {
    const first = -bytes.byteOffset & 3
    while (at < first) bytes[at] = bytes[at]! ^ key[(phase + at++) & 3]!
    for (let i = 0; i < 4; i++) rotated[i] = key[(phase + at + i) & 3]!
    const mask = word[0]!
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, (length - at) >> 2)
    for (let i = 0; i < words.length; i++) words[i] = words[i]! ^ mask
    at += words.length * 4
  }
  for (; at < length; at++) bytes[at] = bytes[at]! ^ key[(phase + at) & 3]!
}
