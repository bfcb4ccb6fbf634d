import { Writer } from '../../base/index.ts'
import type { Disk, DiskFile } from '../../world/index.ts'
import { checkpointFolder, checkpointPath, writeFooter, writeRecord, type CheckpointFooter } from './format.ts'

const flushBytes = 256 * 1024

/** Writes one checkpoint file in the background, record after record. It has its name only when it is whole. */
export class CheckpointWriter {
  records = 0
  /** Bytes handed to the disk and not written yet. */
  backlog = 0
  private readonly disk: Disk
  private readonly number: number
  private position = 0
  private out = new Writer(flushBytes + 4096)
  private file: DiskFile | null = null
  private work: Promise<void>
  private error: unknown = null

  constructor(disk: Disk, number: number) {
    this.disk = disk
    this.number = number
    this.work = disk.open(this.temporary, 'create').then(
      (file) => void (this.file = file),
      (error: unknown) => void (this.error = error),
    )
  }

  private get temporary(): string {
    return `${checkpointPath(this.number)}.tmp`
  }

  get bytes(): number {
    return this.position + this.out.length
  }

  add(owner: number, object: number, part: number, frame: number, state: Uint8Array): void {
    writeRecord(this.out, owner, object, part, frame, state)
    this.records++
    if (this.out.length >= flushBytes) this.flush()
  }

  private flush(): void {
    const bytes = this.out.view()
    const at = this.position
    this.position += bytes.length
    this.backlog += bytes.length
    this.out = new Writer(flushBytes + 4096)
    this.work = this.work.then(async () => {
      if (this.error === null) await this.file!.write(bytes, at).catch((error: unknown) => (this.error = error))
      this.backlog -= bytes.length
    })
  }

  /** Resolves when all is on the disk under its temporary name. */
  async finish(footer: CheckpointFooter): Promise<void> {
    writeFooter(this.out, footer, this.bytes)
    this.flush()
    await this.work
    try {
      if (this.error === null) await this.file!.sync()
    } finally {
      await this.file?.close()
      this.file = null
    }
    if (this.error !== null) throw this.error as Error
  }

  async publish(): Promise<void> {
    await this.disk.rename(this.temporary, checkpointPath(this.number))
    await this.disk.syncFolder(checkpointFolder)
  }

  async abandon(): Promise<void> {
    await this.work
    await this.file?.close()
    await this.disk.remove(this.temporary)
  }
}
