export interface Counts {
  /** What the broker has acknowledged to publishers. */
  acked: number
  /** How far consumers have come, all streams together. */
  seen: number
  /** Copies, and deliveries again, where the protocol allows them. */
  duplicates: number
  /** Deliveries again of what was not settled, to consumers of something that is there once. */
  redelivered?: number
  /** What consumers were promised not to get again, where the protocol has a word for that. */
  confirmed: number
}

/** Where the broker listens, before and after each of its deaths. */
export type Ports = Readonly<Record<'kafka' | 'amqp' | 'mqtt', number>>

/** Clients of one kind that live through the broker's deaths, and say at once when something does not hold. */
export interface Load {
  readonly name: string
  /** Makes what must survive, and begins. `fail` may be called at any time. */
  start(ports: Ports, fail: (error: Error) => void): Promise<void>
  /** Publishes no more; resolves when all that was sent is acknowledged and seen. */
  stop(): Promise<void>
  counts(): Counts[]
  /** Leaves nothing behind. */
  close(): Promise<void>
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
