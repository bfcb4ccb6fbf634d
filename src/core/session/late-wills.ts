import type { Session, Will } from './session.ts'

const bytesMax = 16 * 1024 * 1024

/** Sessions whose wills came due while the store had no space. They keep them, of ended sessions too, until it has. */
export class LateWills {
  private readonly sessions = new Set<Session>()
  private bytes = 0

  get empty(): boolean {
    return this.sessions.size === 0
  }

  /** Beyond so many bytes they are lost: clients that come and go would fill the memory. */
  add(session: Session, will: Will): void {
    const { length } = will.publish.batch
    if (this.bytes + length > bytesMax) return
    this.bytes += length
    session.lateWills.push(will)
    this.sessions.add(session)
  }

  take(): Session[] {
    const sessions = [...this.sessions]
    this.sessions.clear()
    this.bytes = 0
    return sessions
  }
}
