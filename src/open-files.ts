/** What the process itself has open: its threads, listeners, and what the log writes. */
const filesOwn = 64
const filesMin = 2 * filesOwn

/** How many files and connections each may have open, so that the log always finds one free. */
export interface OpenFiles {
  clients: number
  http: number
  /** Segments and spans that are read. */
  reading: number
}

/**
 * Shares out what a process may open (`RLIMIT_NOFILE`; Infinity: as much as one likes). Without that, a flood of
 * connections would end as a storage that fails. Null: it is too little to begin with.
 */
export function shareOpenFiles(openFilesMax: number): OpenFiles | null {
  if (openFilesMax < filesMin) return null
  const free = openFilesMax - filesOwn
  const part = Math.floor(free / 8)
  // HTTP is for people, probes and scripts.
  const [http, reading] = [Math.min(512, part), Math.min(64, part)]
  return { clients: free - http - reading, http, reading }
}

export const tooFewFiles = (openFilesMax: number): string =>
  `this process may open ${openFilesMax} files and connections, and needs ${filesMin} at the least: see \`ulimit -n\``
