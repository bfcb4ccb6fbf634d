export type { Match, Part, Publication, Target } from './match.ts'
export { PatternTrie } from './pattern-trie.ts'
export { Router } from './router.ts'
export type { RouterOptions } from './router.ts'
