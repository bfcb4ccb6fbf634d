import { failed, type Outcome } from './base/index.ts'
import { protocols } from './protocols.ts'
import { Server, type BoundListener, type Logger, type Settings } from './server/index.ts'
import { openStorage } from './storage.ts'
import { systemClock, systemNet, systemRandom, systemTimers } from './world/node/index.ts'

export interface Running {
  readonly listeners: readonly BoundListener[]
  /** Goodbye to all clients, then everything staged made durable, then the files closed. */
  stop(): Promise<void>
}

/** Puts the rooms together: storage, core, protocols, server, HTTP API. All of it runs, or nothing is left open. */
export async function compose(settings: Settings, log: Logger): Promise<Outcome<Running>> {
  const storage = await openStorage(settings, log)
  if (failed(storage)) return storage
  const { broker } = storage.ok
  const world = { net: systemNet, clock: systemClock, timers: systemTimers, random: systemRandom }
  const server = new Server({ broker, protocols, settings, log, ...world })
  const bound = await server.start()
  if (failed(bound)) {
    await storage.ok.close()
    return bound
  }
  const stop = async (): Promise<void> => {
    await server.stop(settings.limits.stopMs)
    await storage.ok.close()
  }
  return { ok: { listeners: bound.ok, stop } }
}
