import { plainNames, type Pattern } from '../../../src/core/index.ts'

/** `orders.*.new`, `orders.#`: `*` is one level, `#` any number of them. */
export function parsePattern(text: string): Pattern {
  return {
    levels: plainNames.decode(text).map((level) => {
      if (level === '*') return { any: 'one' }
      return level === '#' ? { any: 'rest' } : level
    }),
  }
}
