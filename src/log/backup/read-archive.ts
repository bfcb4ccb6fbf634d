import { crc32c, MalformedError } from '../../base/index.ts'
import { Damaged } from '../damaged.ts'
import { archiveFormat, factsName, sumsName, type BackupFacts, type BackupSum } from './archive.ts'
import { ByteSource } from './byte-source.ts'
import { readTarHeader, tarBlockBytes, tarPadding } from './tar.ts'

/** Told of each file of an archive, in order: `begin`, `write` for each piece, `end`. */
export interface ArchiveVisitor {
  begin(path: string, bytes: number): Promise<void>
  write(piece: Buffer): Promise<void>
  end(): Promise<void>
}

/** Only what a data folder holds: an archive from elsewhere must not write where it likes. */
const pathPattern = /^(checkpoint|spans|journal)\/[\w-][\w.-]*$/
const jsonBytesMax = 64 * 1024 * 1024

/**
 * Reads a backup to its end and compares every file with its checksum. Rejects with `Damaged` when it is cut short or
 * not as it was written; what was visited until then is worth nothing.
 */
export async function readArchive(chunks: AsyncIterable<Buffer>, visitor: ArchiveVisitor): Promise<BackupFacts> {
  const source = new ByteSource(chunks)
  try {
    return await read(source, visitor)
  } catch (error) {
    if (error instanceof MalformedError || error instanceof SyntaxError) {
      throw new Damaged('the archive', source.position, error.message)
    }
    throw error
  }
}

async function read(source: ByteSource, visitor: ArchiveVisitor): Promise<BackupFacts> {
  const first = await nextHeader(source)
  if (first?.name !== factsName) throw new MalformedError(`not a backup of dragoman: it begins without ${factsName}`)
  const head = await readSmall(source, first.bytes)
  const sums = new Map<string, number>([[factsName, crc32c(head)]])
  const facts = factsOf(head)
  for (const { path, bytes } of facts.files) {
    if (!pathPattern.test(path)) throw new MalformedError(`a file of the name ${path}`)
    const header = await nextHeader(source)
    if (header?.name !== path || header.bytes !== bytes) {
      throw new MalformedError(`${path} with ${bytes} bytes should follow`)
    }
    await visitor.begin(path, bytes)
    sums.set(path, await readFile(source, bytes, visitor))
    await visitor.end()
  }
  const last = await nextHeader(source)
  if (last?.name !== sumsName) throw new MalformedError(`${sumsName} should follow`)
  const told = JSON.parse((await readSmall(source, last.bytes)).toString()) as BackupSum[]
  if (told.length !== sums.size) throw new MalformedError('another number of checksums than of files')
  for (const { path, crc32c: sum } of told) {
    if (sums.get(path) !== sum) throw new MalformedError(`${path} does not fit its checksum`)
  }
  if ((await nextHeader(source)) !== null) throw new MalformedError('something follows the checksums')
  await source.rest()
  return facts
}

async function nextHeader(source: ByteSource): Promise<ReturnType<typeof readTarHeader>> {
  return readTarHeader(await source.take(tarBlockBytes))
}

async function readSmall(source: ByteSource, bytes: number): Promise<Buffer> {
  if (bytes > jsonBytesMax) throw new MalformedError('a list of files that is too long')
  const body = await source.take(bytes)
  await skipPadding(source, bytes)
  return body
}

async function skipPadding(source: ByteSource, bytes: number): Promise<void> {
  const padding = await source.take(tarPadding(bytes))
  if (padding.some((byte) => byte !== 0)) throw new MalformedError('something stands between two files')
}

async function readFile(source: ByteSource, bytes: number, visitor: ArchiveVisitor): Promise<number> {
  let sum = 0
  for (let left = bytes; left > 0;) {
    const piece = await source.some(left)
    sum = crc32c(piece, sum)
    await visitor.write(piece)
    left -= piece.length
  }
  await skipPadding(source, bytes)
  return sum
}

function factsOf(head: Buffer): BackupFacts {
  const facts = JSON.parse(head.toString()) as BackupFacts
  if (facts.format !== archiveFormat) {
    throw new MalformedError(`of format ${String(facts.format)}; this release reads ${archiveFormat}`)
  }
  return facts
}
