import type { Tree, Violation } from './imports.ts'

const linesMax = 500

/** A ratchet: files that are longer today, with their length. Shrink them; never add one without a reason beside it. */
export const longer: Record<string, number> = {}

/** Tables are data, however long. */
const exempt = /\/tables\/|\/generated\//

export function checkSizes(tree: Tree, exceptions: Record<string, number> = longer): Violation[] {
  const found: Violation[] = []
  for (const [file, text] of tree) {
    if (exempt.test(file)) continue
    const lines = text.split('\n').length - 1
    const allowed = exceptions[file] ?? linesMax
    if (lines > allowed) {
      found.push({ file, rule: 'size', why: `${lines} lines, at most ${allowed}: one file, one thought; split it` })
    }
  }
  return found
}
