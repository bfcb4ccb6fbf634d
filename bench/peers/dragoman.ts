import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { root } from '../../test/support/index.ts'
import { freePorts } from '../measure/ready.ts'
import { launch } from './launch.ts'
import type { Peer } from './peer.ts'

const bin = path.join(root, 'dist/bin.js')

/** For a profile, which names the files of its functions: the bundle has all of them in a few. */
const source = path.join(root, 'src/cli/main.ts')

/** Only then, so that a benchmark that runs already keeps the files that it runs. */
const buildWhenNewer = "import { build } from './scripts/prepare.mjs'; build(process.execPath)"

/** Like Mosquitto's max_queued_messages: a load tool that counts messages waits for ever for one that was dropped. */
const slowSubscriber = [
  'protocols.mqtt.queuedMessagesMax=10000000',
  'protocols.mqtt.queuedBytesMax=1 GiB',
  'limits.memoryBytes=8 GiB',
]

export const dragoman: Peer = {
  name: 'dragoman',
  protocols: ['kafka', 'amqp', 'mqtt'],
  settings: 'as shipped; MQTT: the limits of a slow subscriber lifted, as for Mosquitto',
  variants: {
    fsync: { durability: 'synchronized before every acknowledgement' },
    os: { durability: 'the operating system has it' },
  },
  install: async () => {
    execFileSync(process.execPath, ['--input-type=module', '--eval', buildWhenNewer], { cwd: root })
    return execFileSync(process.execPath, [bin, '--version'], { encoding: 'utf8' }).trim()
  },
  start: async ({ folder, variant, protocol, profileFolder }) => {
    const [kafka, amqp, mqtt, http] = await freePorts(4)
    const listen = Object.entries({ kafka, amqp, mqtt, http }).flatMap(([name, port]) => [
      '--listen',
      `${name}=127.0.0.1:${port}`,
    ])
    const profile = profileFolder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder]
    const program = profileFolder === undefined ? bin : source
    const data = ['--data', path.join(folder, 'data'), '--durability', variant]
    const limits = protocol === 'mqtt' ? slowSubscriber.flatMap((setting) => ['--set', setting]) : []
    const server = await launch({
      command: process.execPath,
      args: [
        ...profile,
        program,
        'serve',
        ...data,
        ...listen,
        '--listen',
        'mqtt-ws=off',
        '--log-level',
        'warn',
        ...limits,
      ],
      logFile: path.join(folder, 'dragoman.log'),
      ports: { kafka: kafka!, amqp: amqp!, mqtt: mqtt! },
    })
    return { ...server, metrics: `http://127.0.0.1:${http}/metrics` }
  },
}
