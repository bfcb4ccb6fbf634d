export { Appender, stepBytes } from './appender.ts'
export type { ChunkRecord, DirectoryRecord } from './directory.ts'
export { footerBytes, lives, readFooter, type Footer } from './footer.ts'
export {
  defaultSpanLimits,
  type OpenSegment,
  type SealedSegment,
  type SpanHold,
  type SpanHost,
  type SpanLimits,
  type SpanMetrics,
  type Spans,
  type StoreLoad,
} from './host.ts'
export { Loading } from './loading.ts'
export type { LocatedExtent } from './located-extent.ts'
export { Manifest } from './manifest.ts'
export { SegmentIndex } from './segment-index.ts'
export { sidecarFolder, sidecarPath, writeSidecar } from './sidecar.ts'
export { SpanFiles } from './span-files.ts'
export {
  adopted,
  decodeEdit,
  diskBytes,
  encodeEdit,
  spanFolder,
  spanPath,
  tableBytes,
  tablePath,
  type SpanEdit,
  type SpanInfo,
} from './span-info.ts'
export { SpanReader } from './span-reader.ts'
export { TableReader } from './table-reader.ts'
export { TableWriter, type FooterFacts } from './table-writer.ts'
export { unfinishedSuffix, writeDurably } from './write-durably.ts'
