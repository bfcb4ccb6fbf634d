import { DiskError, type Disk, type DiskFile } from '../../world/index.ts'
import { checkpointFolder } from '../checkpoint/index.ts'
import { frameAlign, segmentHeaderBytes } from '../frame/index.ts'
import { slotFolder } from '../journal/slots.ts'
import { sidecarFolder } from '../span/index.ts'
import { finding, type Finding } from './finding.ts'

const pageBytes = frameAlign
/** No header, length or padding looks like this: what cannot be read must fail every check. */
const fill = 0xff

/** Pages in a row that the disk does not give. */
interface UnreadableStretch {
  file: string
  position: number
  bytes: number
  detail: string
}

/** The same disk, but what cannot be read of a file is read as bytes that pass no check: damage like any other. */
export class Unreadable {
  readonly disk: Disk
  /** By file: the places of the pages, and why. */
  private readonly pages = new Map<string, Map<number, string>>()

  constructor(disk: Disk) {
    this.disk = Object.create(disk) as Disk
    this.disk.open = async (path, mode) => this.past(path, await disk.open(path, mode))
  }

  private past(path: string, file: DiskFile): DiskFile {
    const past = Object.create(file) as DiskFile
    past.read = async (into, at) => {
      try {
        return await file.read(into, at)
      } catch (error) {
        if (!isUnreadable(error)) throw error
        return this.readPages(path, file, into, at)
      }
    }
    return past
  }

  private async readPages(path: string, file: DiskFile, into: Uint8Array, at: number): Promise<number> {
    const wanted = Math.max(0, Math.min(into.length, (await file.bytes()) - at))
    for (let done = 0; done < wanted;) {
      const position = at + done
      const page = position - (position % pageBytes)
      const piece = into.subarray(done, Math.min(wanted, page + pageBytes - at))
      try {
        await file.read(piece, position)
      } catch (error) {
        if (!isUnreadable(error)) throw error
        piece.fill(fill)
        this.note(path, page, error.message)
      }
      done += piece.length
    }
    return wanted
  }

  private note(path: string, page: number, why: string): void {
    const pages = this.pages.get(path) ?? new Map<number, string>()
    this.pages.set(path, pages.set(page, why))
  }

  stretches(): UnreadableStretch[] {
    const stretches: UnreadableStretch[] = []
    for (const [file, pages] of this.pages) {
      let last: UnreadableStretch | null = null
      for (const [position, detail] of [...pages].sort(([a], [b]) => a - b)) {
        if (last !== null && last.position + last.bytes === position) last.bytes += pageBytes
        else stretches.push((last = { file, position, bytes: pageBytes, detail }))
      }
    }
    return stretches
  }
}

const isUnreadable = (error: unknown): error is DiskError => error instanceof DiskError && error.kind === 'io'

/** What a stretch costs is told by the findings about the bytes that it had, unless nothing there has a checksum. */
export function unreadableFinding(
  { file, position, bytes, detail }: UnreadableStretch,
  others: readonly Finding[],
): Finding {
  const told = others.some(
    (other) =>
      other.file === file &&
      other.severity !== 'note' &&
      (other.bytes === 0 || (other.position < position + bytes && position < other.position + other.bytes)),
  )
  const what = `cannot be read (${detail})`
  if (told) return finding('note', file, position, bytes, what)
  // The frames behind a header tell whether its segment is wanted; caches are made again.
  const harmless =
    inFolder(file, checkpointFolder, sidecarFolder) || (inJournal(file) && position + bytes <= segmentHeaderBytes)
  if (harmless) return finding('repairable', file, position, bytes, `${what}; nothing is lost by it`)
  return finding('loss', file, position, bytes, `${what}; nobody knows whether records were there`)
}

const inFolder = (file: string, ...folders: readonly string[]): boolean =>
  folders.some((folder) => file.startsWith(`${folder}/`))

export const inJournal = (file: string): boolean => inFolder(file, slotFolder)
