import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePorts } from '../measure/ready.ts'
import { kafkaClasses } from './kafka-classes.ts'
import { launch } from './launch.ts'
import type { Peer } from './peer.ts'

/** What kafka-server-start and kafka-run-class give the virtual machine. */
const jvm = [
  '-Xmx1G',
  '-Xms1G',
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-XX:MaxInlineLevel=15',
  '-Djava.awt.headless=true',
]

/** Any 16 bytes in base 64. */
const clusterId = Buffer.from('dragoman bench 1').toString('base64url')

const variantProperties: Record<string, string> = {
  shipped: '',
  flush: 'log.flush.interval.messages=1',
}

function properties(folder: string, port: number, controller: number, variant: string): string {
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.bootstrap.servers=127.0.0.1:${controller}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'controller.listener.names=CONTROLLER',
    `log.dirs=${path.join(folder, 'data')}`,
    // One node: its internal topics have one replica, and the first member of a group waits for no others, as in the
    // config/server.properties that Kafka ships.
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'share.coordinator.state.topic.replication.factor=1',
    'share.coordinator.state.topic.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    'num.network.threads=3',
    'num.io.threads=8',
    'socket.send.buffer.bytes=102400',
    'socket.receive.buffer.bytes=102400',
    'socket.request.max.bytes=104857600',
    variantProperties[variant],
  ].join('\n')
}

/** Ports are written into the data at its format, so a restart takes the same ones. */
async function portsOf(file: string): Promise<number[]> {
  if (!existsSync(file)) return freePorts(2)
  const found = [...readFileSync(file, 'utf8').matchAll(/^listeners=.*?:(\d+),.*:(\d+)$/gm)][0]
  return [Number(found![1]), Number(found![2])]
}

export const kafka: Peer = {
  name: 'kafka',
  protocols: ['kafka'],
  settings: "the distribution's config/server.properties and bin/kafka-server-start.sh (heap 1 GB, G1)",
  variants: {
    shipped: { durability: 'the operating system has it (as shipped)' },
    flush: { durability: 'synchronized before every acknowledgement (log.flush.interval.messages=1)' },
  },
  install: async () => {
    const classes = await kafkaClasses()
    const version = execFileSync('java', ['-cp', classes, 'kafka.Kafka', '--version'], { encoding: 'utf8' })
    return version.split(' ')[0]!.trim()
  },
  start: async ({ folder, variant }) => {
    const classes = await kafkaClasses()
    const file = path.join(folder, 'server.properties')
    const [port, controller] = await portsOf(file)
    const fresh = !existsSync(file)
    writeFileSync(file, properties(folder, port!, controller!, variant))
    if (fresh) {
      const format = ['kafka.tools.StorageTool', 'format', '--standalone', '-t', clusterId, '-c', file]
      execFileSync('java', ['-cp', classes, ...format], { stdio: 'pipe' })
    }
    const logging = `-Dlog4j2.configurationFile=${new URL('./kafka.log4j2.xml', import.meta.url).href}`
    return launch({
      command: 'java',
      args: [...jvm, logging, '-cp', classes, 'kafka.Kafka', file],
      logFile: path.join(folder, 'kafka.log'),
      ports: { kafka: port! },
    })
  },
}
