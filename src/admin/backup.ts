import { failed } from '../base/index.ts'
import { archive, StoreRefused, type Snapshot } from '../log/index.ts'
import type { HttpReply, HttpRequest } from '../world/index.ts'
import { failure, readBody } from './replies.ts'
import type { AdminOptions } from './types.ts'

/** Each keeps what it reads from being given back, and reads beside the clients. */
const backupsMax = 2

/** Answers with the archive of a snapshot; see `archive`. An answer without its end is not whole. */
export function backupRoute(options: AdminOptions): (request: HttpRequest) => Promise<HttpReply> {
  const { clock, log, version } = options
  let running = 0
  return async (request) => {
    const body = readBody(request)
    if (failed(body)) return failure(body)
    if (running >= backupsMax) return failure({ error: 'busy', detail: `${running} backups are being made already` })
    running++
    let snapshot: Snapshot
    try {
      snapshot = await options.snapshot()
    } catch (error) {
      running--
      if (error instanceof StoreRefused) return failure(error.failure)
      throw error
    }
    const { commit, files } = snapshot
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    const beganAt = clock.monotonic()
    log.info('a backup begins', { commit, bytes })
    const closed = (error: Error | undefined): void => {
      running--
      snapshot.release()
      const ms = Math.round(clock.monotonic() - beganAt)
      if (error === undefined) log.info('a backup is done', { commit, bytes, ms })
      else log.warn('a backup was broken off', { commit, ms, detail: error.message })
    }
    const chunks = archive(snapshot, { release: version, createdAt: clock.now() })
    return { status: 200, type: 'application/x-tar', body: { chunks, closed } }
  }
}
