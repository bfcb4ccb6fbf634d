import { DiskError, type DiskErrorKind } from '../disk.ts'

const kinds: Record<string, DiskErrorKind> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  ENOENT: 'notFound',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
}

/** The system's error as the log knows it; its code stays in the message. */
export function diskError(error: unknown, operation: string, path: string): DiskError {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  return new DiskError(kinds[code] ?? 'io', operation, path, (error as Error).message)
}
