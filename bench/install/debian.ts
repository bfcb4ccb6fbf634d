/** Servers of a newer Debian than this machine's, in a folder of their own. Needs root; elsewhere this machine's serve. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { ensureCommand } from '../../test/support/install.ts'
import { cached, perform } from './cache.ts'

const suite = 'trixie'
const packages = ['rabbitmq-server', 'mosquitto']

/** The root of a Debian 13 that holds the servers. */
export async function debianRoot(): Promise<string> {
  if (process.getuid?.() !== 0) throw new Error(`Debian ${suite} in a chroot: needs root`)
  const missing = await ensureCommand('debootstrap', 'debootstrap')
  if (missing !== false) throw new Error(missing)
  return cached(`debian-${suite}`, (folder) => {
    mkdirSync(folder, { recursive: true })
    perform('debootstrap', ['--variant=minbase', `--include=${packages.join(',')}`, suite, folder])
  })
}

export interface Chrooted {
  command: string
  args: string[]
}

/**
 * How to run a command below `root` as `user`, with `data` seen at `/data`. The mounts and processes live in namespaces
 * of their own, so that nothing is left when the command ends. Its own processes carry their host ids outside.
 *
 * The machine is called `localhost` in there: RabbitMQ resolves the machine's name for every connection, and a name that
 * only DNS might know is a query over the network each time. One that gets lost holds the handshake for five seconds,
 * which is when PerfTest gives up, or makes a connection slow for no fault of the server.
 */
export function chrooted(root: string, data: string, user: string, command: readonly string[]): Chrooted {
  mkdirSync(path.join(root, 'data'), { recursive: true })
  const script = [
    'set -e',
    'mount --bind "$2" "$1/data"',
    'mount -t proc proc "$1/proc"',
    'chroot "$1" hostname localhost',
    'chroot "$1" chown -R "$3" /data',
    'root=$1 user=$3; shift 3',
    'exec chroot --userspec="$user" "$root" "$@"',
  ].join('\n')
  const namespaces = ['--mount', '--uts', '--pid', '--fork', '--kill-child']
  return { command: 'unshare', args: [...namespaces, 'sh', '-c', script, 'sh', root, data, user, ...command] }
}
