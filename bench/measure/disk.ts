/** What the disk can do by itself, in the rhythm of a server: the yardstick for what is durable each second. */
import { closeSync, constants, fdatasyncSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { percentile } from './statistics.ts'

export interface DiskRate {
  bytesPerSecond: number
  syncP50Ms: number
  syncP99Ms: number
}

/**
 * Sequential writes of `writeBytes`, each synchronized before the next begins (`O_DSYNC`), into a file that is laid out
 * already, for `seconds`.
 */
export function sequentialSyncRate(folder: string, writeBytes: number, seconds: number): DiskRate {
  const file = path.join(folder, 'disk-baseline')
  const chunk = Buffer.alloc(writeBytes, 0xa5)
  const fileBytes = Math.max(64 * 1024 * 1024, writeBytes * 16)
  const slots = Math.floor(fileBytes / writeBytes)
  try {
    const laid = openSync(file, 'w')
    for (let slot = 0; slot < slots; slot++) writeSync(laid, chunk, 0, writeBytes, slot * writeBytes)
    fsyncSync(laid)
    closeSync(laid)
    const fd = openSync(file, constants.O_WRONLY | constants.O_DSYNC)
    const tookMs: number[] = []
    const began = performance.now()
    const until = began + seconds * 1000
    for (let slot = 0, now = began; now < until; slot = (slot + 1) % slots) {
      writeSync(fd, chunk, 0, writeBytes, slot * writeBytes)
      const done = performance.now()
      tookMs.push(done - now)
      now = done
    }
    const took = (performance.now() - began) / 1000
    closeSync(fd)
    return {
      bytesPerSecond: (tookMs.length * writeBytes) / took,
      syncP50Ms: percentile(tookMs, 0.5),
      syncP99Ms: percentile(tookMs, 0.99),
    }
  } finally {
    rmSync(file, { force: true })
  }
}

const pieceBytes = 1024 * 1024

/**
 * Bytes each second of sequential writes of `writeBytes` to a new file, each synchronized before the next begins, until it
 * has `bytes`. Each page of memory is touched for the first time, and each block is new: so it is for a log.
 */
export function newFileSyncRate(folder: string, writeBytes: number, bytes: number): number {
  const file = path.join(folder, 'disk-baseline')
  const chunk = Buffer.alloc(writeBytes, 0xa5)
  const fd = openSync(file, 'w')
  try {
    const began = performance.now()
    let at = 0
    while (at < bytes) {
      // Larger calls are slower on some machines.
      for (let from = 0; from < writeBytes; from += pieceBytes) {
        writeSync(fd, chunk, from, Math.min(pieceBytes, writeBytes - from), at + from)
      }
      fdatasyncSync(fd)
      at += writeBytes
    }
    return (at / (performance.now() - began)) * 1000
  } finally {
    closeSync(fd)
    rmSync(file)
  }
}
