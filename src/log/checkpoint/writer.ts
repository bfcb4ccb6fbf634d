import { Writer } from '../../base/index.ts'
import { DiskError, type Disk, type DiskFile } from '../../world/index.ts'
import { checkpointFolder, checkpointPaths, writeFooter, writeRecord, type CheckpointFooter } from './format.ts'

const flushBytes = 256 * 1024

interface Output {
  /** Its name when it is whole. */
  path: string
  file: DiskFile | null
}

const temporary = ({ path }: Output): string => `${path}.tmp`

/**
 * Writes one checkpoint file and its copy in the background, record after record. They have their names only when both
 * are whole; when there is no space for the copy, the file does without: a checkpoint is what frees space.
 */
export class CheckpointWriter {
  records = 0
  /** Bytes handed to the disk and not written yet. */
  backlog = 0
  private readonly disk: Disk
  private position = 0
  private out = new Writer(flushBytes + 4096)
  /** The file, and its copy for as long as there is space. */
  private outputs: Output[]
  private work: Promise<void>
  private error: unknown = null

  constructor(disk: Disk, number: number) {
    this.disk = disk
    this.outputs = checkpointPaths(number).map((path) => ({ path, file: null }))
    this.work = this.each(async (output) => void (output.file = await disk.open(temporary(output), 'create')))
  }

  get bytes(): number {
    return this.position + this.out.length
  }

  /** There was no space for the copy. */
  get single(): boolean {
    return this.outputs.length === 1
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
      await this.each(({ file }) => file!.write(bytes, at))
      this.backlog -= bytes.length
    })
  }

  /** Never rejects: after the first error nothing more is done. */
  private async each(act: (output: Output) => Promise<void>): Promise<void> {
    for (const output of [...this.outputs]) {
      if (this.error !== null) return
      try {
        await act(output)
      } catch (error) {
        const spared = output !== this.outputs[0] && error instanceof DiskError && error.kind === 'full'
        if (spared) await this.drop(output)
        else this.error = error
      }
    }
  }

  private async drop(output: Output): Promise<void> {
    this.outputs = this.outputs.filter((each) => each !== output)
    await output.file?.close().catch(() => undefined)
    await this.disk.remove(temporary(output)).catch(() => undefined)
  }

  /** Resolves when all is on the disk under temporary names. */
  async finish(footer: CheckpointFooter): Promise<void> {
    writeFooter(this.out, footer, this.bytes)
    this.flush()
    await this.work
    await this.each(({ file }) => file!.sync())
    for (const output of this.outputs) {
      await output.file?.close()
      output.file = null
    }
    if (this.error !== null) throw this.error as Error
  }

  async publish(): Promise<void> {
    for (const output of this.outputs) await this.disk.rename(temporary(output), output.path)
    await this.disk.syncFolder(checkpointFolder)
  }

  async abandon(): Promise<void> {
    await this.work
    for (const output of this.outputs) {
      await output.file?.close()
      await this.disk.remove(temporary(output))
    }
  }
}
