export {
  basicClass,
  contentHeaderHeadBytes,
  headerFits,
  readProperties,
  writeContentHeader,
  writeProperties,
} from './content-header.ts'
export type { BasicProperties } from './content-header.ts'
export { readTable, writeTable } from './field-table.ts'
export { FrameCutter, type FrameSink } from './frame-cutter.ts'
export {
  frameBody,
  frameEnd,
  frameHeader,
  frameHeartbeat,
  frameMethod,
  frameOverheadBytes,
  FrameWriter,
} from './frame-writer.ts'
export {
  heartbeatFrame,
  readDeliveryTag,
  readPublish,
  writeBody,
  writeConfirm,
  writeDeliver,
  writeGetOk,
} from './hot-methods.ts'
export type { DeliverRun, PublishArgs } from './hot-methods.ts'
export { idOf, nameOf, readArgs, writeMethod } from './method-codec.ts'
export type { Args } from './method-codec.ts'
export { methods, type MethodName } from './methods.ts'
