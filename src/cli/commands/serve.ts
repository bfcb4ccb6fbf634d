import { failed } from '../../base/index.ts'
import { compose } from '../../compose.ts'
import { createLogger, formatEndpoint, type Logger, type Settings } from '../../server/index.ts'
import { announce, boundHeap, keepCompiled, systemClock, writeError } from '../../world/node/index.ts'
import { UserError, type Input } from '../command.ts'
import { readConfiguration } from '../configuration.ts'
import { firstSignal, stopOnSignal, unlessStopped } from '../signals.ts'

/** What is allowed little memory is to take little; more than this saves no time. */
const garbageBytesMax = 64 * 1024 * 1024
const garbageBytesMin = 16 * 1024 * 1024

/** Runs the broker until a signal ends it. */
export async function serve(input: Input): Promise<number> {
  const signal = firstSignal()
  const settings = await readConfiguration(input, process.env)
  boundHeap(Math.min(garbageBytesMax, Math.max(garbageBytesMin, settings.limits.memoryBytes / 4)))
  const log = createLogger({ ...settings.log, clock: systemClock, write: writeError })
  const running = await unlessStopped(signal, compose(settings, log))
  if (failed(running)) throw new UserError(running.detail)
  const say = announcer(settings)
  for (const { name, host, port } of running.ok.listeners) {
    say(`listening ${name} ${formatEndpoint({ host, port })}`, { protocol: name, host, port })
  }
  const readyMs = Math.round(systemClock.monotonic())
  say(`ready in ${readyMs} ms`, { readyMs })
  keepCompiled()
  await stopOnSignal(signal, settings.limits.stopMs, async (signal) => {
    log.info('stopping', { signal })
    await running.ok.stop()
    log.info('stopped')
  })
  return 0
}

/** What a script waits for goes to standard output, whatever the log level; the log goes to standard error. */
function announcer(settings: Settings): (message: string, fields: Record<string, unknown>) => void {
  if (settings.log.format === 'text') return (message) => announce(message)
  const json: Logger = createLogger({ level: 'info', format: 'json', clock: systemClock, write: announce })
  return (message, fields) => json.info(message, fields)
}
