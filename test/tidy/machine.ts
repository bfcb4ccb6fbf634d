import type { Tree, Violation } from './imports.ts'

const paths = /(?<![\w.])\/(?:root|work|home\/[a-z]+)\/[\w.-]+/

/** What is committed works on every machine: it names no folder of one of them. */
export function checkMachinePaths(tree: Tree): Violation[] {
  const found: Violation[] = []
  for (const [file, text] of tree) {
    const match = paths.exec(text)
    if (match) found.push({ file, rule: 'machine path', why: `${match[0]} is a path of one machine` })
  }
  return found
}
