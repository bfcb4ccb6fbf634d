import { readFileSync } from 'node:fs'

/** How many files and connections this process may have open; Infinity where the system does not say. */
export function openFilesMax(): number {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return found === null ? Infinity : Number(found[1])
  } catch {
    return Infinity // no such file system
  }
}
