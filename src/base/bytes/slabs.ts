/**
 * Memory that is used again. Buffers that are made anew for whatever passes through cost more than the copying: the
 * kernel has to find and to clear their pages, and the runtime collects its whole heap for every few of them.
 */
export class SlabPool {
  readonly slabBytes: number
  private readonly keptMax: number
  private readonly free: Buffer[] = []

  /** `keptMax`: so many slabs are kept for whoever comes next. */
  constructor(slabBytes: number, keptMax: number) {
    this.slabBytes = slabBytes
    this.keptMax = keptMax
  }

  lease(): SlabLease {
    return new SlabLease(this)
  }

  /** For leases. */
  take(): Buffer {
    return this.free.pop() ?? Buffer.allocUnsafeSlow(this.slabBytes)
  }

  /** For leases. */
  giveBack(slabs: readonly Buffer[]): void {
    for (const slab of slabs) if (this.free.length < this.keptMax) this.free.push(slab)
  }
}

/** What one user has of a pool, side by side in the order in which it was taken, until it says that it is done with it. */
export class SlabLease {
  private readonly pool: SlabPool
  private readonly slabs: Buffer[] = []
  private used = 0

  constructor(pool: SlabPool) {
    this.pool = pool
  }

  /** More than a slab has is memory of its own, which is not used again. */
  take(bytes: number): Buffer {
    const { slabBytes } = this.pool
    if (bytes > slabBytes) return Buffer.allocUnsafeSlow(bytes)
    let slab = this.slabs[this.slabs.length - 1]
    if (slab === undefined || this.used + bytes > slabBytes) {
      slab = this.pool.take()
      this.slabs.push(slab)
      this.used = 0
    }
    return slab.subarray(this.used, (this.used += bytes))
  }

  get empty(): boolean {
    return this.slabs.length === 0
  }

  /** Whether these bytes are of this lease: then they may be written to. */
  has({ buffer }: Uint8Array): boolean {
    return this.slabs.some((slab) => slab.buffer === buffer)
  }

  /** Nothing that was taken may be touched any more. Who is not sure of that lets it be collected. */
  clear(): void {
    this.pool.giveBack(this.slabs.splice(0))
    this.used = 0
  }
}
