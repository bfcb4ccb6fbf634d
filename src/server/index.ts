export * from './config/index.ts'
export { createLogger } from './log-writer.ts'
export type { LogOptions } from './log-writer.ts'
export type { Fields, Level, Logger } from './logger.ts'
export type { ListenerMetrics, ServerMetrics } from './metrics.ts'
export type {
  CloseReason,
  ListenerSpec,
  Peer,
  Protocol,
  ProtocolContext,
  ProtocolMetrics,
  Session,
} from './protocol.ts'
export { describeBound, Server } from './server.ts'
export type { BoundListener, ServerOptions } from './server.ts'
