import { readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ensureCommand } from '../../test/support/install.ts'
import { chrooted, debianRoot } from '../install/index.ts'
import { freePorts } from '../measure/ready.ts'
import { launch } from './launch.ts'
import type { Peer } from './peer.ts'

/** The broker's program of Debian's package: beside the wrapper in /usr/sbin, which only drops root's rights. */
function programBelow(root: string): string {
  const versions = readdirSync(path.join(root, 'usr/lib/rabbitmq/lib'))
  return `/usr/lib/rabbitmq/lib/${versions.find((name) => name.startsWith('rabbitmq_server-'))}/sbin/rabbitmq-server`
}

/** A newer Debian's where that works, else this machine's: the table says which version ran. */
async function rootFolder(): Promise<string> {
  try {
    return await debianRoot()
  } catch (error) {
    const missing = await ensureCommand('rabbitmqctl', 'rabbitmq-server')
    if (missing !== false) throw new Error(`${(error as Error).message}; ${missing}`, { cause: error })
    return '/'
  }
}

export const rabbitmq: Peer = {
  name: 'rabbitmq',
  protocols: ['amqp'],
  settings: 'as packaged by Debian, no plugins ("Production Deployment Guidelines" asks for nothing else on one node)',
  variants: {
    classic: { durability: 'the operating system has it (classic queue, as shipped)' },
    quorum: { durability: 'synchronized before the confirm (quorum queue)' },
  },
  install: async () => {
    const program = programBelow(await rootFolder())
    return /rabbitmq_server-([\d.]+)/.exec(program)![1]!
  },
  start: async ({ folder }) => {
    const root = await rootFolder()
    const [amqp, distribution, epmd] = await freePorts(3)
    const inside = root === '/' ? folder : '/data'
    writeFileSync(path.join(folder, 'rabbitmq.conf'), `listeners.tcp.1 = 127.0.0.1:${amqp}\nlog.console = true\n`)
    const env = {
      HOME: inside,
      RABBITMQ_NODENAME: 'bench@localhost',
      RABBITMQ_DIST_PORT: String(distribution),
      ERL_EPMD_PORT: String(epmd),
      RABBITMQ_MNESIA_BASE: `${inside}/mnesia`,
      RABBITMQ_LOG_BASE: `${inside}/log`,
      RABBITMQ_CONFIG_FILE: `${inside}/rabbitmq.conf`,
      RABBITMQ_ENABLED_PLUGINS_FILE: `${inside}/enabled_plugins`,
    }
    const program = ['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), programBelow(root)]
    const outer =
      root === '/'
        ? { command: program[0]!, args: program.slice(1) }
        : chrooted(root, folder, 'rabbitmq:rabbitmq', program)
    return launch({
      ...outer,
      logFile: path.join(folder, 'server.log'),
      ports: { amqp: amqp! },
      signalled: 'beam.smp',
    })
  },
}
