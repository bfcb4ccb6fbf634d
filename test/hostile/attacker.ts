/**
 * One flood, in a process of its own: `attacker.ts NAME PORT SECONDS`. Prints `ready` when its connections stand, begins
 * at a line on standard input, and reports as JSON what it sent and what became of it.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { floods } from './attacks.ts'

const [name = '', port = '', seconds = '3'] = process.argv.slice(2)
const flood = floods.find((each) => each.name === name)
if (flood === undefined) throw new Error(`no flood "${name}"`)

const report = { sent: 0, connections: 0, closed: 0 }
const sockets = new Set<Socket>()

function open(): Socket {
  const socket = connect(Number(port), '127.0.0.1')
  sockets.add(socket)
  report.connections++
  socket.on('error', () => undefined)
  socket.once('close', () => {
    report.closed++
    sockets.delete(socket)
  })
  return socket
}

/** Connects, and again whenever it was closed: an attacker does not give up. */
function begin(): void {
  const socket = open()
  if (flood!.deaf === undefined) socket.resume()
  socket.write(flood!.begin())
}

const tickMs = 20
const connectionsPerTick = 20

function tick(budget: number): void {
  if (flood!.connections === 0) {
    for (let i = 0; i < connectionsPerTick; i++) open().resume()
    return
  }
  while (sockets.size < flood!.connections) begin()
  let left = budget
  for (const socket of sockets) {
    if (left <= 0) return
    if (socket.writableLength > 0) continue
    socket.write(flood!.again)
    report.sent += flood!.again.length
    left -= flood!.again.length
  }
}

for (let i = 0; i < flood.connections; i++) begin()
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const began = performance.now()
const timer = setInterval(() => {
  const due = ((performance.now() - began) / 1000) * flood.bytesPerSecond
  tick(due - report.sent)
}, tickMs)
setTimeout(
  () => {
    clearInterval(timer)
    process.stdout.write(`${JSON.stringify(report)}\n`)
    process.exit(0)
  },
  Number(seconds) * 1000,
)
