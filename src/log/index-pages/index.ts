export { IndexPages } from './index-pages.ts'
export type { Stretch } from './partition-list.ts'
