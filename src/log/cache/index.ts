export { blockBytes, BlockCache, indexReader, type Block, type CachedFile, type ReaderId } from './block-cache.ts'
export { FilePool } from './file-pool.ts'
export { Readahead } from './readahead.ts'
