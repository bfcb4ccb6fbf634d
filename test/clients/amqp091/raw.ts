import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A client that says exactly what it is told to, frame by frame; written here by hand, so that it shares no mistake. */
export const shortstr = (text: string): Buffer =>
  Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')])
export const longstr = (bytes: Buffer | string): Buffer => {
  const body = Buffer.from(bytes)
  return Buffer.concat([u32(body.length), body])
}
export const u16 = (n: number): Buffer => Buffer.from([n >> 8, n & 255])
export const u32 = (n: number): Buffer => Buffer.from([n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255])
export const u64 = (n: number): Buffer => Buffer.concat([u32(0), u32(n)])
export const bits = (n: number): Buffer => Buffer.from([n])
export const table = (...fields: Buffer[]): Buffer => longstr(Buffer.concat(fields))
export const textField = (name: string, value: string): Buffer =>
  Buffer.concat([shortstr(name), Buffer.from('S'), longstr(value)])
export const intField = (name: string, value: number): Buffer =>
  Buffer.concat([shortstr(name), Buffer.from('I'), u32(value >>> 0)])
const boolField = (name: string): Buffer => Buffer.concat([shortstr(name), Buffer.from('t'), bits(1)])

export const frame = (type: number, channel: number, payload: Buffer): Buffer =>
  Buffer.concat([bits(type), u16(channel), u32(payload.length), payload, bits(206)])
export const method = (channel: number, classId: number, methodId: number, ...args: Buffer[]): Buffer =>
  frame(1, channel, Buffer.concat([u16(classId), u16(methodId), ...args]))
export const header = (channel: number, size: number, properties: Buffer = u16(0), classId = 60): Buffer =>
  frame(2, channel, Buffer.concat([u16(classId), u16(0), u64(size), properties]))
export const body = (channel: number, payload: Buffer | string): Buffer => frame(3, channel, Buffer.from(payload))

export const protocolHeader = Buffer.from('AMQP\0\0\x09\x01', 'latin1')
export const openChannel = (channel: number): Buffer => method(channel, 20, 10, shortstr(''))

export const ticket = u16(0)
export const declareQueue = (queue: string, flags = 2, args = table(), channel = 1): Buffer =>
  method(channel, 50, 10, ticket, shortstr(queue), bits(flags), args)
export const publish = (exchange: string, key: string, flags = 0, properties = u16(0)): Buffer =>
  Buffer.concat([publishMethod(exchange, key, flags), header(1, 2, properties), body(1, 'hi')])
export const publishMethod = (exchange: string, key: string, flags = 0): Buffer =>
  method(1, 60, 40, ticket, shortstr(exchange), shortstr(key), bits(flags))
export const consume = (queue: string, tag = '', flags = 0, args = table()): Buffer =>
  method(1, 60, 20, ticket, shortstr(queue), shortstr(tag), bits(flags), args)
export const ack = (methodId: number, tag: number, flags = 0): Buffer => method(1, 60, methodId, u64(tag), bits(flags))

export interface Handshake {
  user?: string
  password?: string
  vhost?: string
  tune?: [channelMax: number, frameMax: number, heartbeat: number]
  /** Asks to be told why a login failed. */
  told?: boolean
}

export function startOk({ user = 'guest', password = 'guest', told = true }: Handshake = {}): Buffer {
  const capabilities = table(
    ...(told ? [boolField('authentication_failure_close')] : []),
    boolField('consumer_cancel_notify'),
  )
  const properties = table(Buffer.concat([shortstr('capabilities'), Buffer.from('F'), capabilities]))
  return method(0, 10, 11, properties, shortstr('PLAIN'), longstr(`\0${user}\0${password}`), shortstr('en_US'))
}

export function tuneAndOpen({
  vhost = '/',
  tune: [channelMax, frameMax, heartbeat] = [2047, 131_072, 0],
}: Handshake = {}): Buffer {
  const tuneOk = method(0, 10, 31, u16(channelMax), u32(frameMax), u16(heartbeat))
  return Buffer.concat([tuneOk, method(0, 10, 40, shortstr(vhost), shortstr(''), bits(0))])
}

export class RawClient {
  readonly socket: Socket
  private input = Buffer.alloc(0)
  private ended = false
  private wake: () => void = () => undefined

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('error', () => undefined)
    this.socket.on('data', (chunk) => {
      this.input = Buffer.concat([this.input, chunk])
      this.wake()
    })
    this.socket.on('close', () => {
      this.ended = true
      this.wake()
    })
  }

  /** Connected, logged in, with channel 1 open. */
  static async open(port: number, handshake: Handshake = {}): Promise<RawClient> {
    const client = new RawClient(port)
    client.send(protocolHeader, startOk(handshake), tuneAndOpen(handshake), openChannel(1))
    for (let i = 0; i < 4; i++) await client.next()
    return client
  }

  send(...parts: Buffer[]): void {
    this.socket.write(Buffer.concat(parts))
  }

  /** The next frame in words; `end` when the connection is closed, `silence` when nothing comes. */
  async next(waitMs = 3000): Promise<string> {
    const until = Date.now() + waitMs
    for (;;) {
      if (this.input.length >= 8 && this.input.toString('latin1', 0, 4) === 'AMQP') {
        this.input = this.input.subarray(8)
        return 'protocol header'
      }
      const size = this.input.length >= 7 ? this.input.readUInt32BE(3) : Infinity
      if (this.input.length >= size + 8) {
        const whole = this.input.subarray(0, size + 8)
        this.input = this.input.subarray(size + 8)
        return describe(whole)
      }
      if (this.ended) return 'end'
      if (Date.now() > until) return 'silence'
      const woken = new Promise<void>((resolve) => (this.wake = resolve))
      await Promise.race([woken, new Promise((resolve) => setTimeout(resolve, 50))])
    }
  }

  async close(): Promise<void> {
    if (this.ended) return
    this.socket.destroy()
    await once(this.socket, 'close')
  }
}

function describe(whole: Buffer): string {
  const type = whole[0]!
  const channel = whole.readUInt16BE(1)
  const payload = whole.subarray(7, -1)
  if (type !== 1) return `${['', '', 'header', 'body', '', '', '', '', 'heartbeat'][type]} ${channel}`
  const id = `${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}`
  if (id !== '10.50' && id !== '20.40') return `${id} on ${channel}`
  const bytes = payload[6]!
  const text = payload.toString('latin1', 7, 7 + bytes)
  const cause = `${payload.readUInt16BE(7 + bytes)}.${payload.readUInt16BE(9 + bytes)}`
  return `${id === '10.50' ? 'connection' : 'channel'} ${payload.readUInt16BE(4)} ${text} (${cause})`
}
