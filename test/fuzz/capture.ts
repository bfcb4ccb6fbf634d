/**
 * `npx node test/fuzz/capture.ts [NAME...]`: real clients at their ordinary work through a proxy before a broker of
 * ours; what both sides sent goes to `test/fuzz/captures/PROTOCOL-CLIENT.hex`, in the form that `captures.ts` reads.
 * Clients of Kafka connect where the broker says it is: it calls itself 127.0.0.2, and there the proxy has its port.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { once } from 'node:events'
import { startBroker } from '../../src/index.ts'
import { root } from '../support/index.ts'
import { captureFolder, lineOf, type Chunk } from './captures.ts'
import { recordings, type Recording } from './clients/index.ts'

const proxyHost = '127.0.0.2'
/** What a connection says after so much is no longer kept: clients repeat themselves. */
const keptBytesMax = 12 * 1024

/** Hands all bytes on and keeps them, numbered by connection. */
class Recorder {
  readonly chunks: Chunk[] = []
  private connections = 0
  private readonly sockets = new Set<Socket>()
  private readonly server: Server
  private readonly port: number

  constructor(port: number) {
    this.port = port
    this.server = createServer({ noDelay: true }, (client) => this.connected(client))
  }

  async start(): Promise<void> {
    this.server.listen(this.port, proxyHost)
    await once(this.server, 'listening')
  }

  private connected(client: Socket): void {
    const connection = this.connections++
    const broker = connect({ port: this.port, host: '127.0.0.1', noDelay: true })
    this.pass(client, broker, connection, true)
    this.pass(broker, client, connection, false)
  }

  private pass(from: Socket, to: Socket, connection: number, fromClient: boolean): void {
    this.sockets.add(from)
    let kept = 0
    from.on('data', (bytes) => {
      kept += bytes.length
      if (kept <= keptBytesMax) this.chunks.push({ connection, fromClient, bytes })
      else kept = Infinity
      to.write(bytes)
    })
    from.on('error', () => to.destroy())
    from.on('close', () => to.end())
  }

  stop(): void {
    this.server.close()
    for (const socket of this.sockets) socket.destroy()
  }
}

async function record({ name, protocol, client, drive }: Recording): Promise<void> {
  const broker = await startBroker({ settings: { advertise: proxyHost } })
  const recorder = new Recorder(broker.port(protocol))
  await recorder.start()
  const missing = await drive({ host: proxyHost, port: broker.port(protocol) })
  recorder.stop()
  await broker.stop()
  if (typeof missing === 'string') return void process.stdout.write(`${name}: skipped: ${missing}\n`)
  mkdirSync(captureFolder, { recursive: true })
  const lines = [`# ${client}`, ...recorder.chunks.map(lineOf)]
  const file = path.join(captureFolder, `${name}.hex`)
  writeFileSync(file, `${lines.join('\n')}\n`)
  const bytes = recorder.chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0)
  process.stdout.write(`${path.relative(root, file)}: ${recorder.chunks.length} chunks, ${bytes} bytes\n`)
}

const asked = process.argv.slice(2)
for (const recording of recordings) if (asked.length === 0 || asked.includes(recording.name)) await record(recording)
process.exit()
