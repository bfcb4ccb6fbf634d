export { blockBytes, BlockCache, indexReader, type Block, type CachedFile, type ReaderId } from './block-cache.ts'
export { FilePool } from './file-pool.ts'
export { ReadGate } from './read-gate.ts'
export { Readahead } from './readahead.ts'
