export { crc32c } from './crc32c.ts'
export { MalformedError, Reader } from './reader.ts'
export { Writer } from './writer.ts'
