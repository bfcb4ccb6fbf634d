import type { ProtocolMetrics } from './protocol.ts'

/** Counters of one listener, kept by the server. They only grow, but for `connections`. */
export interface ListenerMetrics {
  /** Open now. */
  connections: number
  connectionsTotal: number
  connectionsRefused: number
  bytesIn: number
  bytesOut: number
  /** Closed because they did not read what was sent to them. */
  slowConsumers: number
  /** Closed because a session threw. */
  crashes: number
}

export const newListenerMetrics = (): ListenerMetrics => ({
  connections: 0,
  connectionsTotal: 0,
  connectionsRefused: 0,
  bytesIn: 0,
  bytesOut: 0,
  slowConsumers: 0,
  crashes: 0,
})

/** What `/metrics` shows of the server: by listener, and by protocol. */
export interface ServerMetrics {
  listeners: Readonly<Record<string, ListenerMetrics>>
  protocols: Readonly<Record<string, ProtocolMetrics>>
  /** What clients make the broker hold, by what it is for, and what they may. */
  memory: Readonly<{ arriving: number; unanswered: number; unsent: number; bytesMax: number }>
}
