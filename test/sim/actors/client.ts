import { Violation } from '../audit/index.ts'
import type { SimSocket } from '../../../src/world/sim/net.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'
import type { Scene } from './scene.ts'

/** The connection is over: the actor begins again. */
export class Gone extends Error {
  override name = 'Gone'
}

interface Waiter {
  since: number
  /** True: it has what it waited for. */
  look(): boolean
  reject(error: Error): void
}

/** Nobody waits longer for an answer; ms. */
const answerMsMax = 30_000
const watchMs = 5_000

/**
 * A client on another machine: it connects, does what it does until the connection ends, and connects again. It
 * remembers over all that what its user would remember.
 */
export abstract class Client {
  readonly name: string
  protected readonly scene: Scene
  protected readonly random: SimRandom
  private readonly port: number
  private socket: SimSocket | null = null
  private waiters: Waiter[] = []

  constructor(scene: Scene, name: string, port: number, random: SimRandom) {
    this.scene = scene
    this.name = name
    this.port = port
    this.random = random
  }

  /** What has come in; it is looked at by those who wait. */
  protected abstract receive(chunk: Buffer): void
  /** Begins a connection: the hello, and all that follows until it is over. */
  protected abstract converse(): Promise<void>
  /** Nothing of an earlier connection is left. */
  protected abstract reset(): void

  start(): void {
    this.live().catch((error: unknown) => this.scene.fail(error))
  }

  private async live(): Promise<void> {
    while (!this.scene.over) {
      await this.scene.sleep(this.random.below(100))
      if (!this.connect()) continue
      try {
        await this.converse()
      } catch (error) {
        if (!(error instanceof Gone)) throw error
        this.note('gone')
      }
      this.socket?.end()
      this.drop()
    }
  }

  protected get connected(): boolean {
    return this.socket !== null
  }

  /** It is there, and has the answer to all that it asked and sent. */
  get resting(): boolean {
    return this.socket !== null && this.waiters.length === 0
  }

  private connect(): boolean {
    this.reset()
    const { net, time } = this.scene.machine
    const socket: SimSocket | null = net.connect(this.port, {
      received: (chunk) => {
        if (this.socket !== socket) return
        try {
          this.receive(chunk)
          this.look()
        } catch (error) {
          this.scene.fail(error)
        }
      },
      closed: () => {
        if (this.socket === socket) this.drop()
      },
    })
    if (socket === null) return false
    this.socket = socket
    const watch = (): void => {
      if (this.socket !== socket) return
      this.watch()
      time.after(watchMs, watch)
    }
    time.after(watchMs, watch)
    return true
  }

  private watch(): void {
    const oldest = this.waiters[0]
    const { scene } = this
    if (oldest === undefined || scene.now - Math.max(oldest.since, scene.calmSince) < answerMsMax) return
    scene.fail(new Violation(`${this.name}: no answer for ${Math.round(scene.now - oldest.since)} ms`))
  }

  private drop(): void {
    this.socket = null
    for (const { reject } of this.waiters.splice(0)) reject(new Gone())
  }

  /** Dies, or loses its net. */
  kill(): boolean {
    if (this.socket === null) return false
    this.note('killed')
    this.socket.kill()
    return true
  }

  /** Reads nothing for a while. */
  doze(ms: number): boolean {
    const { socket } = this
    if (socket === null) return false
    socket.read(false)
    this.scene.machine.time.after(ms, () => socket.read(true))
    return true
  }

  protected send(bytes: Uint8Array): void {
    if (this.socket === null) throw new Gone()
    this.socket.send(bytes)
  }

  /** Resolves with what `take` gives once it gives something; it is asked whenever something has come. */
  protected wait<T>(take: () => T | undefined): Promise<T> {
    if (this.socket === null) return Promise.reject(new Gone())
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const taken = take()
        if (taken === undefined) return false
        resolve(taken)
        return true
      }
      if (!look()) this.waiters.push({ since: this.scene.now, look, reject })
    })
  }

  private look(): void {
    this.waiters = this.waiters.filter((waiter) => !waiter.look())
  }

  /** A pause in the conversation; over early when the connection is. */
  protected async rest(ms: number): Promise<void> {
    await this.scene.sleep(ms)
    if (this.socket === null) throw new Gone()
  }

  protected note(what: string): void {
    this.scene.trace.note(this.name, what)
  }
}
