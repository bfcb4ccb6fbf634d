import { toolchain } from '../../test/support/index.ts'
import { cargoBinary, mavenJars, rdkafkaPerformance } from '../install/index.ts'
import type { Protocol } from '../measure/ready.ts'
import { kafkaClasses } from '../peers/kafka-classes.ts'
import { ToolError } from './load.ts'

export const perfTestClasses = (): Promise<string> =>
  mavenJars('perf-test', new URL('./perf-test.pom.xml', import.meta.url))

export const mqttwrkBinary = (): Promise<string> => cargoBinary('mqttwrk', '0.2.0')

async function mosquittoClients(): Promise<void> {
  for (const name of ['mosquitto_pub', 'mosquitto_sub']) {
    const { missing } = await toolchain.command(name)
    if (missing !== false) throw new ToolError(missing)
  }
}

const tools: Record<Protocol, readonly (() => Promise<unknown>)[]> = {
  kafka: [kafkaClasses, rdkafkaPerformance],
  amqp: [perfTestClasses],
  mqtt: [mqttwrkBinary, mosquittoClients],
}

/** Brings all load tools of a protocol onto this machine, so that no run waits for one. */
export async function installTools(protocol: Protocol): Promise<void> {
  for (const install of tools[protocol]) await install()
}
