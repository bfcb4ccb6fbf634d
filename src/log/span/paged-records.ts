import { assert, crc32c, Writer } from '../../base/index.ts'
import { Damaged } from '../damaged.ts'

export const recordPageBytes = 4096
const crcAt = recordPageBytes - 4

/** Records of one fixed size, in pages of 4 KiB that end with their own CRC-32C, so that one page can be read alone. */
export const recordsPerPage = (recordBytes: number): number => Math.floor(crcAt / recordBytes)
export const pagesOf = (records: number, recordBytes: number): number =>
  Math.ceil(records / recordsPerPage(recordBytes))

/** Collects records and gives them out as pages. */
export class RecordPages {
  count = 0
  private readonly recordBytes: number
  private readonly out = new Writer(recordPageBytes)

  constructor(recordBytes: number) {
    this.recordBytes = recordBytes
  }

  /** Room for one record: the caller fills `bytes` from `at` on. */
  add(): { bytes: Buffer; at: number } {
    if (this.count % recordsPerPage(this.recordBytes) === 0) {
      const page = this.out.reserve(recordPageBytes)
      this.out.buffer.fill(0, page, page + recordPageBytes)
    }
    const index = this.count++
    return { bytes: this.out.buffer, at: positionOf(index, this.recordBytes) }
  }

  finish(): Buffer {
    const pages = this.out.view()
    for (let at = 0; at < pages.length; at += recordPageBytes) {
      pages.writeUInt32LE(crc32c(pages.subarray(at, at + crcAt)), at + crcAt)
    }
    return pages
  }
}

/** Where record `index` stands, from the first page on. */
export function positionOf(index: number, recordBytes: number): number {
  const perPage = recordsPerPage(recordBytes)
  return Math.floor(index / perPage) * recordPageBytes + (index % perPage) * recordBytes
}

/** Throws `Damaged` unless the page is whole. `position` is where it stands in `file`. */
export function checkPage(page: Buffer, file: string, position: number): void {
  assert(page.length === recordPageBytes, 'a page is read whole')
  if (crc32c(page.subarray(0, crcAt)) !== page.readUInt32LE(crcAt)) {
    throw new Damaged(file, position, 'an index page fails its checksum')
  }
}
