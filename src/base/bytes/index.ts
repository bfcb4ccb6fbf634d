export { crc32c } from './crc32c.ts'
export { MalformedError, Reader } from './reader.ts'
export { sameBytes } from './same-bytes.ts'
export { Writer } from './writer.ts'
