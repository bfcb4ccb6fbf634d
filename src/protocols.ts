import { amqp091 } from './protocols/amqp091/index.ts'
import { kafka } from './protocols/kafka/index.ts'
import { mqtt } from './protocols/mqtt/index.ts'
import type { Group, Known, Protocol } from './server/index.ts'

/** Every protocol of this build. */
export const protocols: readonly Protocol[] = [kafka, amqp091, mqtt]

/** The listener of the HTTP API; it is not a protocol, but it is configured like one. */
export const httpListener = { name: 'http', port: 8090 }

/** What the configuration may speak of. */
export function knownSettings(all: readonly Protocol[] = protocols): Known {
  const listeners: Record<string, number> = {}
  const settings: Record<string, Group> = {}
  for (const protocol of all) {
    for (const { name, port } of protocol.listeners) listeners[name] = port
    settings[protocol.name] = protocol.settings ?? {}
  }
  listeners[httpListener.name] = httpListener.port
  return { listeners, protocols: settings }
}
