const pageBytes = 64 * 1024

/** The bytes of a file in memory; what was never written takes no space and reads as zeros. */
export class SparseBytes {
  length = 0
  private readonly pages = new Map<number, Buffer>()

  /** Memory in use. */
  get residentBytes(): number {
    return this.pages.size * pageBytes
  }

  read(into: Uint8Array, at: number): number {
    const bytes = Math.max(0, Math.min(into.length, this.length - at))
    let done = 0
    while (done < bytes) {
      const start = (at + done) % pageBytes
      const step = Math.min(bytes - done, pageBytes - start)
      const page = this.pages.get((at + done - start) / pageBytes)
      if (page === undefined) into.fill(0, done, done + step)
      else into.set(page.subarray(start, start + step), done)
      done += step
    }
    return bytes
  }

  write(bytes: Uint8Array, at: number): void {
    let done = 0
    while (done < bytes.length) {
      const start = (at + done) % pageBytes
      const step = Math.min(bytes.length - done, pageBytes - start)
      const index = (at + done - start) / pageBytes
      let page = this.pages.get(index)
      if (page === undefined) this.pages.set(index, (page = Buffer.alloc(pageBytes)))
      page.set(bytes.subarray(done, done + step), start)
      done += step
    }
    this.length = Math.max(this.length, at + bytes.length)
  }

  truncate(length: number): void {
    const lastPage = Math.floor((length - 1) / pageBytes)
    for (const index of this.pages.keys()) if (index > lastPage) this.pages.delete(index)
    this.pages.get(lastPage)?.fill(0, length - lastPage * pageBytes)
    this.length = length
  }

  copy(): SparseBytes {
    const copy = new SparseBytes()
    copy.length = this.length
    for (const [index, page] of this.pages) copy.pages.set(index, Buffer.from(page))
    return copy
  }
}
