import path from 'node:path'
import { root, toolchain } from '../../support/index.ts'
import { pause, type Endpoint, type Recording } from './recording.ts'

/** The clients of the overload tests, with little to do. */
async function load(protocol: Recording['protocol'], { host, port }: Endpoint): Promise<unknown> {
  const tool = await toolchain.go('overload', path.join(root, 'test/overload/load'))
  if (tool.missing !== false) return tool.missing
  const flags = ['--protocol', protocol, '--addr', `${host}:${port}`, '--target', 'capture', '--size', '60']
  const few = [...flags, '--count', '12', '--window', '4']
  await tool.run(['declare', ...flags], { allowFailure: true, timeoutMs: 5000 })
  const consumer = tool.start(['consume', ...flags, '--prefetch', '5'])
  await pause(1000)
  const publisher = tool.start(['publish', ...few])
  for (const [one, text] of [
    [publisher, 'go'],
    [consumer, 'close'],
  ] as const) {
    await one.waitFor(/ready/)
    one.write(`${text}\n`)
    await pause(1500)
    await one.stop()
  }
}

const names = { kafka: 'franz-go', amqp: 'amqp091-go', mqtt: 'paho.golang' } as const

export const recordingsInGo: readonly Recording[] = (['kafka', 'amqp', 'mqtt'] as const).map((protocol) => ({
  name: `${protocol}-${names[protocol].replaceAll('.', '')}`,
  protocol,
  client: names[protocol],
  drive: (broker) => load(protocol, broker),
}))
