import type { Protocol } from '../measure/ready.ts'

/** One way to run a server. */
export interface Variant {
  /** What an acknowledgement promises in this way, for the table: measured or as its documents say. */
  durability: string
}

/** A server under test. A new one is a file in this folder and a line in `index.ts`. */
export interface Peer {
  readonly name: string
  readonly protocols: readonly Protocol[]
  /** The documents that the settings come from. */
  readonly settings: string
  readonly variants: Readonly<Record<string, Variant>>
  /** Brings it onto this machine and says which version it is; throws with the reason when that does not work. */
  install(): Promise<string>
  /** Starts it over `folder`, which may hold what an earlier start left there. Resolves when it is ready. */
  start(options: StartOptions): Promise<Server>
}

export interface StartOptions {
  folder: string
  variant: string
  /** The one that its clients will speak. */
  protocol: Protocol
  /** Where to leave a profile of the processor time, when the server can make one. */
  profileFolder?: string | undefined
}

export interface Server {
  /** The process that it is, with everything below it. */
  readonly pid: number
  /** From the start of the process until it answered a client. */
  readonly readyMs: number
  port(protocol: Protocol): number
  /** Where it tells its own counters, when it does so over HTTP as Prometheus text. */
  readonly metrics?: string
  /** Ends it as an operator does, or at once. */
  stop(how: 'properly' | 'at once'): Promise<void>
}
