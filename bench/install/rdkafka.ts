import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { ensureCommand } from '../../test/support/install.ts'
import { cached, perform } from './cache.ts'

/** The npm package that carries librdkafka's whole source, its examples included. */
const carrier = 'node-rdkafka@3.6.1'

/** librdkafka's own load tool, `rdkafka_performance`: it is not packaged, so it is built with its library. */
export async function rdkafkaPerformance(): Promise<string> {
  for (const [command, debianPackage] of [
    ['make', 'make'],
    ['cc', 'gcc'],
    ['c++', 'g++'],
  ] as const) {
    const missing = await ensureCommand(command, debianPackage)
    if (missing !== false) throw new Error(missing)
  }
  const folder = await cached(carrier.replace('@', '-'), (folder) => {
    mkdirSync(folder, { recursive: true })
    const archive = perform('npm', ['pack', '--silent', carrier], folder).trim()
    perform('tar', ['xzf', archive], folder)
    const source = path.join(folder, 'package/deps/librdkafka')
    perform('./configure', ['--disable-sasl', '--disable-gssapi', '--disable-curl', '--disable-ssl'], source)
    perform('make', ['-C', 'src'], source)
    perform('make', ['-C', 'examples', 'rdkafka_performance'], source)
  })
  return path.join(folder, 'package/deps/librdkafka/examples/rdkafka_performance')
}
