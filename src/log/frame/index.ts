export {
  aligned,
  bridgeFlag,
  chainAt,
  frameAlign,
  frameBytes,
  frameHeaderBytes,
  frameKind,
  frameLayout,
  frameMagic,
  frameVersion,
  journalIdAt,
  readFrameHeader,
  readU64,
  segmentSeqAt,
  unknownIn,
  writeFrameHeader,
  writeU64,
  type FrameHeader,
  type FrameKind,
} from './header.ts'
export {
  journalMajor,
  journalMinor,
  readSegmentHeader,
  segmentHeaderBytes,
  unsyncedFlag,
  segmentHeaderUsed,
  writeSegmentHeader,
  type SegmentHeader,
} from './segment-header.ts'
export {
  emptyExtent,
  entryKind,
  EntryReader,
  ownKinds,
  readExtentEntry,
  uvarintBytes,
  writeEntryHead,
  writeExtentEntry,
  type ExtentEntry,
} from './entries.ts'
export { bodyBytesMax, fragmentsOf, partsOf, placeFrame, type CommitPlace, type Fragment } from './parts.ts'
export { bodyGood, fits, judgeHeader, provesDamage, type Expected, type Found } from './judge.ts'
