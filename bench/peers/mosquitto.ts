import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { ensureCommand } from '../../test/support/install.ts'
import { chrooted, debianRoot } from '../install/index.ts'
import { freePorts } from '../measure/ready.ts'
import { launch } from './launch.ts'
import type { Peer } from './peer.ts'

/** A newer Debian's where that works, else this machine's: the table says which version ran. */
async function rootFolder(): Promise<string> {
  try {
    return await debianRoot()
  } catch (error) {
    const missing = await ensureCommand('/usr/sbin/mosquitto', 'mosquitto')
    if (missing !== false) throw new Error(`${(error as Error).message}; ${missing}`, { cause: error })
    return '/'
  }
}

const config = (port: number, inside: string): string =>
  [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    // As Debian packages it: the store is in memory and saved every half hour and at the end.
    'persistence true',
    `persistence_location ${inside}/`,
    // By default it drops a subscriber's messages after 1,000, and a load tool that counts them would wait for ever.
    'max_queued_messages 0',
    ...(inside === '/data' ? [] : ['user root']),
  ].join('\n')

export const mosquitto: Peer = {
  name: 'mosquitto',
  protocols: ['mqtt'],
  settings: 'as packaged by Debian (mosquitto.conf(5)); max_queued_messages 0, so that nothing is dropped',
  variants: {
    shipped: { durability: 'in memory, saved every 30 minutes (as packaged)' },
  },
  install: async () => {
    const root = await rootFolder()
    const said = execFileSync('chroot', [root, 'dpkg-query', '-W', '-f=${Version}', 'mosquitto'], { encoding: 'utf8' })
    return said.split('-')[0]!
  },
  start: async ({ folder }) => {
    const root = await rootFolder()
    const [mqtt] = await freePorts(1)
    const inside = root === '/' ? folder : '/data'
    writeFileSync(path.join(folder, 'mosquitto.conf'), config(mqtt!, inside))
    const program = ['/usr/sbin/mosquitto', '-c', `${inside}/mosquitto.conf`]
    const outer =
      root === '/'
        ? { command: program[0]!, args: program.slice(1) }
        : chrooted(root, folder, 'mosquitto:mosquitto', program)
    return launch({
      ...outer,
      logFile: path.join(folder, 'server.log'),
      ports: { mqtt: mqtt! },
      signalled: 'mosquitto',
    })
  },
}
