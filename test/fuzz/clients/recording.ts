export interface Endpoint {
  host: string
  port: number
}

/** One real client at its ordinary work. */
export interface Recording {
  /** Of the file: the protocol and the client. */
  name: string
  protocol: 'kafka' | 'amqp' | 'mqtt'
  /** The client and its version, or who it is. */
  client: string
  /** Resolves when all is done; with the reason, a text, when the client is not there. */
  drive(broker: Endpoint): Promise<unknown>
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
