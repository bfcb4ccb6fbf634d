import { adminHandler } from './admin/index.ts'
import { failed, type Outcome } from './base/index.ts'
import type { Broker } from './core/index.ts'
import { shareOpenFiles, tooFewFiles, type OpenFiles } from './open-files.ts'
import { httpListener, protocols } from './protocols.ts'
import { Server, type BoundListener, type Logger, type Protocol, type Settings } from './server/index.ts'
import { openStorage, type Sizes, type Storage } from './storage.ts'
import { version } from './version.ts'
import { NodeDisk, openFilesMax, systemClock, systemNet, systemRandom, SystemTimers } from './world/node/index.ts'
import { SteadyClock, type Listening, type Net, type World } from './world/index.ts'

export interface Running {
  readonly broker: Broker
  readonly listeners: readonly BoundListener[]
  /** Goodbye to all clients, then everything staged made durable, then the files closed. */
  stop(): Promise<void>
}

/** All that one broker may reach outside of itself. */
export interface Outside extends World {
  net: Net
  /** Files and connections that may be open at once; absent: as many as one likes. */
  openFilesMax?: number
  /** Cancels the timers that still wait. */
  stop(): void
}

/** The real one. */
function systemOutside(): Outside {
  const timers = new SystemTimers()
  const disk = (folder: string): NodeDisk => new NodeDisk(folder)
  const stop = (): void => timers.stop()
  return { clock: systemClock, timers, random: systemRandom, net: systemNet, openFilesMax: openFilesMax(), disk, stop }
}

/** For whoever tests all of it at once. */
export interface ComposeOptions {
  speaking?: readonly Protocol[]
  outside?: Outside
  sizes?: Sizes
}

/** Puts the rooms together: storage, core, protocols, server, HTTP API. All of it runs, or nothing is left open. */
export async function compose(
  settings: Settings,
  log: Logger,
  { speaking = protocols, outside: given = systemOutside(), sizes }: ComposeOptions = {},
): Promise<Outcome<Running>> {
  // Nothing below this line has to think of a clock that jumps.
  const { timers, random, net } = given
  const outside: Outside = {
    ...{ timers, random, net, clock: new SteadyClock(given.clock) },
    disk: (folder) => given.disk(folder),
    stop: () => given.stop(),
  }
  const { openFilesMax = Infinity } = given
  const files = shareOpenFiles(openFilesMax)
  if (files === null) return { error: 'unavailable', detail: tooFewFiles(openFilesMax) }
  const storage = await openStorage(settings, log, outside, { sizes, readingMax: files.reading })
  if (failed(storage)) return storage
  const started = await start(settings, log, speaking, storage.ok, outside, files)
  if (failed(started)) {
    await storage.ok.close()
    outside.stop()
  }
  return started
}

function connectionsMax({ limits }: Settings, log: Logger, { clients }: OpenFiles): number {
  const configured = limits.connectionsMax
  if (clients >= configured) return configured
  log.debug('fewer connections than configured: this process may not open more files', { most: clients, configured })
  return clients
}

async function start(
  settings: Settings,
  log: Logger,
  speaking: readonly Protocol[],
  storage: Storage,
  outside: Outside,
  files: OpenFiles,
): Promise<Outcome<Running>> {
  const { broker } = storage
  const { net, clock, timers, random } = outside
  const limits = { ...settings.limits, connectionsMax: connectionsMax(settings, log, files) }
  const options = { broker, protocols: speaking, settings: { ...settings, limits }, log, net, clock, timers, random }
  const server = new Server(options)
  const listeners = await server.start()
  if (failed(listeners)) return listeners
  const all: BoundListener[] = [...listeners.ok]
  let ready = true
  let http: Listening | undefined
  const endpoint = settings.listen[httpListener.name]
  if (endpoint !== undefined) {
    const serving = { bound: () => all, metrics: () => server.metrics() }
    const admin = adminHandler({
      broker,
      store: () => ({ health: storage.health(), metrics: () => storage.store().metrics() }),
      snapshot: () => storage.store().snapshot(),
      server: serving,
      clock,
      log,
      version,
      ready: () => ready,
    })
    const opened = await net.listenHttp(endpoint, admin, files.http)
    if (failed(opened)) {
      await server.stop(0)
      return { error: opened.error, detail: `listener ${httpListener.name}: ${opened.detail}` }
    }
    http = opened.ok
    all.push({ name: httpListener.name, ...opened.ok.bound })
  }
  const stop = async (): Promise<void> => {
    ready = false
    await server.stop(settings.limits.stopMs)
    await http?.close()
    await storage.close().catch((error: unknown) => {
      // What was acknowledged is on the disk already.
      log.warn('the storage could not be closed in order; nothing acknowledged is lost', {
        detail: (error as Error).message,
      })
    })
    outside.stop()
  }
  return { ok: { broker, listeners: all, stop } }
}
