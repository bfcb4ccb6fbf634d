import type { Outcome } from '../base/index.ts'

export interface Endpoint {
  host: string
  /** 0 asks for a free one. */
  port: number
}

/** An open listener. */
export interface Listening {
  /** What is really bound: the port is never 0. */
  readonly bound: Endpoint
  /** Takes no new connections; those that are open go on. */
  close(): Promise<void>
}

export interface WebSocketTerms {
  /** The request path, as `/mqtt`. */
  path: string
  /** The subprotocols we speak, best first; a client that asks for none of them is refused. */
  subprotocols: readonly string[]
}

/** How connections come in. Failing to listen is an operating error: `busy`, `denied` or `unavailable`. */
export interface Net {
  listenTcp(endpoint: Endpoint, accept: Accept): Promise<Outcome<Listening>>
  listenWebSocket(endpoint: Endpoint, terms: WebSocketTerms, accept: Accept): Promise<Outcome<Listening>>
  /** Beyond `connectionsMax` a connection is closed at once. */
  listenHttp(endpoint: Endpoint, answer: HttpHandler, connectionsMax: number): Promise<Outcome<Listening>>
}

/** Called for each new connection; it is told of everything that happens to it through what it returns. */
export type Accept = (connection: Connection) => ConnectionEvents

export interface ConnectionEvents {
  /** Bytes came in. Their memory belongs to the receiver. */
  received(chunk: Buffer): void
  /** All that was sent has been taken by the operating system. */
  flushed(): void
  /** The other side sends no more, and may still read; called at most once, and not when it is gone at once. */
  ended(): void
  /** The connection is gone; called exactly once. `error` when it broke instead of ending. */
  closed(error: string | undefined): void
}

export interface Connection {
  /** The other side: `127.0.0.1:52100`. */
  readonly address: string
  /** The other side is on this machine. */
  readonly local: boolean
  /** Bytes sent and not yet taken by the operating system. */
  readonly buffered: number
  /** Sends all of `chunks` with one system call where the system allows. They must not change afterwards. */
  send(chunks: readonly Uint8Array[]): void
  pause(): void
  resume(): void
  /** Ends the connection after all that was sent. */
  end(): void
  /** Drops the connection at once. */
  destroy(): void
}

export interface HttpRequest {
  method: string
  /** Without the query, still percent-encoded. */
  path: string
  query: URLSearchParams
  /** Header names in lower case. */
  headers: Readonly<Record<string, string | undefined>>
  body: Buffer
}

export interface HttpReply {
  status: number
  type: string
  /** The whole body; a function that is given a sink to write to until either side closes it; or a long body. */
  body: string | ((sink: HttpSink) => void) | HttpStream
}

/** A long body, asked for piece by piece as the client takes it. */
export interface HttpStream {
  chunks: AsyncIterable<Uint8Array>
  /** Called once: all was sent (undefined), or the client is gone or took nothing for too long, or `chunks` rejected. */
  closed(error: Error | undefined): void
}

/** The open body of a live answer. */
export interface HttpSink {
  /** False: the client is too slow, or gone, and this was dropped. */
  write(text: string): boolean
  close(): void
  /** Runs once when the client went away or the sink was closed. */
  onClosed(run: () => void): void
}

export type HttpHandler = (request: HttpRequest) => HttpReply | Promise<HttpReply>
