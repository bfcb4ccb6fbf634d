import type { Peer, Session } from '../../src/server/index.ts'

/** A client's end without a socket, which takes all that it is given. */
export abstract class StandIn implements Peer {
  readonly address = 'bench'
  readonly local = true
  readonly buffered = 0
  readonly room = Infinity
  protected abstract readonly session: Session

  send(chunk: Buffer): void {
    this.session.receive(chunk)
  }

  abstract write(bytes: Uint8Array): boolean

  mayBeSilent(): boolean {
    return false
  }

  whenTaken(run: () => void): void {
    run()
  }

  close(): void {}
  pause(): void {}
  resume(): void {}
  underWay(): void {}
  arriving(): void {}
  keeps(): void {}
}
