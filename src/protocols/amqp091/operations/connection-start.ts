import type { Header, Value } from '../../../core/index.ts'
import type { Connection } from '../connection.ts'

const text = (value: string): Value => ({ type: 'utf8', value })

/** What clients look for before they use an extension. */
const capabilities = [
  'publisher_confirms',
  'exchange_exchange_bindings',
  'basic.nack',
  'consumer_cancel_notify',
  'connection.blocked',
  'consumer_priorities',
  'authentication_failure_close',
  'per_consumer_qos',
  'direct_reply_to',
]

/** Sent when the client's protocol header was good. Clients choose dialects by product and version: see `settings`. */
export function connectionStart({ link }: Connection): void {
  const { config } = link.context
  const serverProperties: Header[] = [
    {
      name: 'capabilities',
      value: { type: 'map', value: capabilities.map((name) => ({ name, value: { type: 'bool', value: true } })) },
    },
    { name: 'cluster_name', value: text('dragoman') },
    { name: 'copyright', value: text('The Dragoman authors') },
    { name: 'information', value: text('Licensed under Apache-2.0') },
    { name: 'platform', value: text('Dragoman') },
    { name: 'product', value: text(String(config.product)) },
    { name: 'version', value: text(String(config.version)) },
  ]
  link.method(0, 'connection.start', {
    versionMajor: 0,
    versionMinor: 9,
    serverProperties,
    mechanisms: Buffer.from('AMQPLAIN PLAIN'),
    locales: Buffer.from('en_US'),
  })
}
