const slabBytes = 1024 * 1024
/** A payload of this size or above gets memory of its own, so that no slab is left half empty for it. */
export const largeBytes = slabBytes / 4

/**
 * Memory for what is staged, cut from the front of slabs. A slab is never reused: its slices (the tail, readers) keep it
 * alive, and when the last is gone the garbage collector takes it.
 */
export class Slabs {
  slab = Buffer.allocUnsafeSlow(slabBytes)
  used = 0

  fits(bytes: number): boolean {
    return this.used + bytes <= this.slab.length
  }

  renew(): void {
    this.slab = Buffer.allocUnsafeSlow(slabBytes)
    this.used = 0
  }
}
