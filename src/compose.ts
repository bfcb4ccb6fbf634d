import { adminHandler } from './admin/index.ts'
import { failed, type Outcome } from './base/index.ts'
import { httpListener, protocols } from './protocols.ts'
import { Server, type BoundListener, type Logger, type Protocol, type Settings } from './server/index.ts'
import { openStorage, type Storage } from './storage.ts'
import { version } from './version.ts'
import { systemClock, systemNet, systemRandom, SystemTimers } from './world/node/index.ts'
import type { Listening } from './world/index.ts'

export interface Running {
  readonly listeners: readonly BoundListener[]
  /** Goodbye to all clients, then everything staged made durable, then the files closed. */
  stop(): Promise<void>
}

/** Puts the rooms together: storage, core, protocols, server, HTTP API. All of it runs, or nothing is left open. */
export async function compose(
  settings: Settings,
  log: Logger,
  speaking: readonly Protocol[] = protocols,
): Promise<Outcome<Running>> {
  const timers = new SystemTimers()
  const storage = await openStorage(settings, log, timers)
  if (failed(storage)) return storage
  const started = await start(settings, log, speaking, storage.ok, timers)
  if (failed(started)) {
    await storage.ok.close()
    timers.stop()
  }
  return started
}

async function start(
  settings: Settings,
  log: Logger,
  speaking: readonly Protocol[],
  storage: Storage,
  timers: SystemTimers,
): Promise<Outcome<Running>> {
  const { broker } = storage
  const world = { net: systemNet, clock: systemClock, timers, random: systemRandom }
  const server = new Server({ broker, protocols: speaking, settings, log, ...world })
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
      server: serving,
      clock: systemClock,
      log,
      version,
      ready: () => ready,
    })
    const opened = await systemNet.listenHttp(endpoint, admin)
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
    timers.stop()
  }
  return { ok: { listeners: all, stop } }
}
