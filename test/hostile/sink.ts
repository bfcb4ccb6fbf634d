/** Takes all and says nothing: what an attacker costs the machine, without a broker behind it. Prints its port. */
import { createServer, type AddressInfo } from 'node:net'

const server = createServer((socket) => {
  socket.on('error', () => undefined)
  socket.resume()
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`)
})
