/** Of the files that a process may have open so many, or half of few, are for the log and for HTTP. */
const filesReserved = 2048

/**
 * How many client connections there may be: as configured, and so many that the log always finds a file free. Without
 * that, a flood of connections would end as a storage that fails.
 */
export function connectionsMaxWithin(configured: number, openFilesMax: number): number {
  const reserved = Math.min(filesReserved, Math.ceil(openFilesMax / 2))
  return Math.max(1, Math.min(configured, openFilesMax - (Number.isFinite(reserved) ? reserved : 0)))
}
