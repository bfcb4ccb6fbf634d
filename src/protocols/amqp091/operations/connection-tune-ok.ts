import type { Connection } from '../connection.ts'
import { refuse } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Args } from '../wire/index.ts'

/** A client may lower what we offer; 0 would be "no limit", which is more. */
export function connectionTuneOk(connection: Connection, args: Args<'connection.tune-ok'>): void {
  connection.link.frameBytesMax = negotiated('frame_max', args.frameMax, limits.frameBytesMin, limits.frameBytesMax)
  connection.channelMax = negotiated('channel_max', args.channelMax, 1, limits.channelMax)
  connection.heartbeatSeconds = args.heartbeat
  connection.phase = 'open'
  connection.tuned()
}

function negotiated(name: string, value: number, min: number, max: number): number {
  if (value === 0 || value > max) {
    refuse(
      'NOT_ALLOWED',
      `negotiated ${name} = ${value}${value === 0 ? ' (no limit)' : ''} is higher than the maximum allowed value (${max})`,
    )
  }
  if (value < min)
    refuse('NOT_ALLOWED', `negotiated ${name} = ${value} is lower than the minimum allowed value (${min})`)
  return value
}
