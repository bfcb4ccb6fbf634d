/*
 * A process to be measured: `bare` accepts sockets and does nothing, `broker` is the broker in memory. It prints its
 * port, and for each line on standard input what it holds after a full collection, in bytes.
 */
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { startBroker } from '../../../src/index.ts'

async function listen(): Promise<number> {
  if (process.argv[2] === 'broker') {
    const broker = await startBroker({ listen: { kafka: false, amqp: false, http: false } })
    return broker.port('mqtt')
  }
  const server = createServer((socket) => socket.on('data', () => undefined).on('error', () => undefined))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

process.stdout.write(`port ${await listen()}\n`)
process.stdin.on('data', () => {
  globalThis.gc!()
  globalThis.gc!()
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  process.stdout.write(`holds ${heapUsed + external + arrayBuffers}\n`)
})
process.stdin.on('end', () => process.exit(0))
