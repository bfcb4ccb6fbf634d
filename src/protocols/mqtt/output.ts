import { Writer } from '../../base/index.ts'
import type { Peer } from '../../server/index.ts'
import { copyBytesMax, outputBytesMax } from './limits.ts'

/** What one client is sent, gathered into few writes. Holds no buffer while there is nothing to send. */
export class Output {
  /** The peer has more than is good; what can wait should. Cleared by `drained`. */
  congested = false
  private readonly peer: Peer
  private readonly full: () => void
  private current: Writer | undefined

  /** `full` is called when it has become congested. */
  constructor(peer: Peer, full: () => void) {
    this.peer = peer
    this.full = full
  }

  get writer(): Writer {
    return (this.current ??= new Writer(512))
  }

  /** Bytes that follow what was written: copied when small, passed on as they are when not. They must not change. */
  payload(bytes: Buffer): void {
    if (bytes.length <= copyBytesMax) {
      this.writer.bytes(bytes)
      if (this.writer.length >= outputBytesMax) this.flush()
      return
    }
    this.flush()
    this.send(bytes)
  }

  flush(): void {
    const writer = this.current
    if (writer === undefined) return
    this.current = undefined
    this.send(writer.view())
  }

  private send(bytes: Uint8Array): void {
    if (this.peer.write(bytes) || this.congested) return
    this.congested = true
    this.full()
  }
}
