import { archive, Damaged, readArchive, snapshotOfFolder, StoreRefused, type BackupFacts } from '../../log/index.ts'
import { DiskError } from '../../world/index.ts'
import { systemClock, writeError, writeOutput } from '../../world/node/index.ts'
import { version } from '../../version.ts'
import { callApi } from '../api.ts'
import { UserError, type Input } from '../command.ts'
import { withDataFolder } from '../data-folder.ts'
import { newFile, standardOutput, type Output } from '../output-file.ts'
import { onInterruption } from '../signals.ts'
import { sizeText } from '../table.ts'

interface Summary {
  file: string
  bytes: number
  commit: number
  createdAt: string
  files: number
  ms: number
}

/** A consistent copy of what the running broker has, or of the folder of one that does not run. */
export async function backup(input: Input): Promise<number> {
  const target = input.positionals[0] ?? '-'
  const began = systemClock.monotonic()
  const opening = target === '-' ? Promise.resolve(standardOutput) : told(newFile(target))
  // From before the file is there: nothing of it stays.
  const interruption = onInterruption(() => opening.then((opened) => opened.abandon()).catch(() => undefined))
  const output = await opening.catch(async (error: unknown) => {
    await interruption.over()
    throw error
  })
  const written = { bytes: 0, facts: null as BackupFacts | null }
  try {
    await told(
      copy(input, async (chunks) => {
        written.facts = await readArchive(through(chunks, output, written), ignore)
        await told(output.done())
      }),
    )
    await interruption.over()
  } catch (error) {
    await interruption.over()
    await output.abandon()
    throw error
  }
  const { commit, createdAt, files } = written.facts!
  const ms = Math.round(systemClock.monotonic() - began)
  say(input, target, {
    file: target,
    bytes: written.bytes,
    commit,
    createdAt: new Date(createdAt).toISOString(),
    files: files.length,
    ms,
  })
  return 0
}

type Take = (chunks: AsyncIterable<Buffer>) => Promise<void>

async function copy(input: Input, take: Take): Promise<void> {
  if (!input.has('data')) {
    await callApi(input, 'POST', '/api/backup', { body: {}, onChunks: (chunks) => take(unbroken(chunks)) })
    return
  }
  await withDataFolder(input, 'read', async (disk, folder) => {
    const snapshot = await snapshotOfFolder(disk).catch((error: unknown) => {
      if (error instanceof Damaged) throw new UserError(`${folder} is damaged: ${error.message}; see dragoman check`)
      throw error
    })
    if (snapshot === null) throw new UserError(`${folder}: there is nothing to back up`)
    await take(archive(snapshot, { release: version, createdAt: systemClock.now() }))
  })
}

/** The broker ends a backup that it cannot finish by dropping the connection. */
async function* unbroken(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* chunks
  } catch (error) {
    const why = 'it stops, its disk is full or has failed, or the connection was lost'
    throw new UserError(`the broker broke the backup off (${(error as Error).message}): ${why}; its log says more`)
  }
}

/** Written first: what is read was taken. */
async function* through(
  chunks: AsyncIterable<Buffer>,
  output: Output,
  written: { bytes: number },
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    await told(output.write(chunk))
    written.bytes += chunk.length
    yield chunk
  }
}

const nothing = (): Promise<void> => Promise.resolve()
const ignore = { begin: nothing, write: nothing, end: nothing }

/** What the operator can mend is told in a sentence. */
export async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof DiskError || error instanceof Damaged || error instanceof StoreRefused)
      throw new UserError(error.message)
    throw error
  }
}

/** Beside the archive on standard output there is no room for words. */
function say(input: Input, target: string, summary: Summary): void {
  const { file, bytes, commit, files, ms } = summary
  const words = `${file}: ${sizeText(bytes)} in ${files} files, up to commit ${commit}, ${ms} ms`
  const text = input.has('json') ? JSON.stringify(summary, null, 2) : words
  if (target === '-') writeError(text)
  else writeOutput(text)
}
