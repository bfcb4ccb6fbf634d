export type * from './facade/index.ts'
export { decodeProperties, encodeProperties, readValue, writeValue, valueDepthMax } from './message.ts'
export type { Header, Properties, ReplyTo, Value } from './message.ts'
export { levelBytes, levelOf, levelOfUtf8, levelsKey, levelUtf8, nameCodec, plainNames } from './names.ts'
export type { Levels, NameCodec, NameCodecOptions } from './names.ts'
export {
  addressPrefix,
  keyHeader,
  parseReplyTo,
  propertiesOf,
  recordHeadersOf,
  replyToText,
  valueText,
} from './interchange.ts'
export { refusalOf } from './publish/refusal.ts'
export { logFull } from './publish/room.ts'
export { openBroker } from './broker.ts'
export type { ShardBroker } from './broker.ts'
export { PartitionNames } from './recovery/partition-names.ts'
export type { PartitionName } from './recovery/partition-names.ts'
export type { ReadTrouble } from './read/unreadable.ts'
export { openMemoryStore } from './memory-store.ts'
export type { MemoryJournal, MemoryStore, MemoryStoreOptions } from './memory-store.ts'
export type { BrokerLimits, BrokerOptions } from './options.ts'
