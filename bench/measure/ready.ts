/** A server is ready when it answers a client's first words: an open port alone says little. */
import net from 'node:net'

export type Protocol = 'kafka' | 'amqp' | 'mqtt'

const firstWords: Record<Protocol, Buffer> = {
  // ApiVersions, version 0, correlation 1, client id "b": what every client asks first.
  kafka: Buffer.from([0, 0, 0, 11, 0, 18, 0, 0, 0, 0, 0, 1, 0, 1, 0x62]),
  amqp: Buffer.from('AMQP\0\0\x09\x01', 'latin1'),
  // CONNECT, MQTT 3.1.1, clean session, keep alive 60 s, client id "b".
  mqtt: Buffer.from([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 1, 0x62]),
}

function answers(protocol: Protocol, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    const finish = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.setTimeout(timeoutMs, () => finish(false))
    socket.once('connect', () => socket.write(firstWords[protocol]))
    socket.once('data', () => finish(true))
    socket.once('error', () => finish(false))
    socket.once('close', () => finish(false))
  })
}

/** Asks until there is an answer; `gone` says that there will be none. */
export async function untilReady(
  protocol: Protocol,
  port: number,
  gone: () => boolean,
  timeoutMs: number,
): Promise<void> {
  const until = Date.now() + timeoutMs
  while (!(await answers(protocol, port, timeoutMs))) {
    if (gone()) throw new Error(`it ended before it answered ${protocol} on port ${port}`)
    if (Date.now() > until) throw new Error(`no answer to ${protocol} on port ${port} within ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Ports of 127.0.0.1 that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = net.createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
