import path from 'node:path'
import type { Tree, Violation } from './imports.ts'

/** Paths and links that the documents name must be there: `exists` is asked with a path from the project's root. */
export function checkDocuments(documents: Tree, exists: (file: string) => boolean): Violation[] {
  const found: Violation[] = []
  for (const [file, text] of documents) {
    for (const target of namedIn(file, text)) {
      if (!exists(target)) found.push({ file, rule: 'dead reference', why: `there is no ${target}` })
    }
  }
  return found
}

function* namedIn(file: string, text: string): Iterable<string> {
  for (const [, named] of text.matchAll(/`((?:src|test|docs|scripts|bench)\/[\w./-]*)`/g)) yield named ?? ''
  for (const [, link] of text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)) {
    if (link !== undefined && !/^[a-z]+:/.test(link)) yield path.posix.join(path.posix.dirname(file), link)
  }
}
