/** RFC 6455, 11.8. */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
export type Opcode = (typeof Opcode)[keyof typeof Opcode]

/** RFC 6455, 7.4.1. */
export const CloseCode = { normal: 1000, protocolError: 1002, unsupportedData: 1003 } as const

/** RFC 6455, 5.5: of a control frame. */
export const controlBytesMax = 125

/** What the other side may not send; the connection ends with `code`. */
export class FrameError extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** The header of a whole message, or a whole control frame, from the server: it is not masked (RFC 6455, 5.1 and 5.2). */
export function frameHeader(opcode: Opcode, bytes: number): Buffer {
  const header = Buffer.allocUnsafe(bytes <= 125 ? 2 : bytes <= 0xffff ? 4 : 10)
  header[0] = 0x80 | opcode
  if (bytes <= 125) {
    header[1] = bytes
  } else if (bytes <= 0xffff) {
    header[1] = 126
    header.writeUInt16BE(bytes, 2)
  } else {
    header[1] = 127
    header.writeBigUInt64BE(BigInt(bytes), 2)
  }
  return header
}

/** A close frame, RFC 6455, 5.5.1. */
export function closeFrame(code: number, reason: string): Buffer {
  const body = Buffer.alloc(2 + Buffer.byteLength(reason))
  body.writeUInt16BE(code)
  body.write(reason, 2)
  return Buffer.concat([frameHeader(Opcode.close, body.length), body])
}
