import { PartitionNames } from '../../core/index.ts'
import { checkData, type CheckReport, type Finding, type LostRange } from '../../log/index.ts'
import { writeOutput } from '../../world/node/index.ts'
import type { Input } from '../command.ts'
import { withDataFolder } from '../data-folder.ts'

/** Reads everything in the data folder, writes nothing. Exit code 1: something is not as it was written; 2: it could not be read. */
export function check(input: Input): Promise<number> {
  return withDataFolder(input, 'read', async (disk, folder) => {
    const names = new PartitionNames()
    const report = await checkData(disk, names)
    writeOutput(input.has('json') ? jsonOf(report, names) : checkText(report, folder, names))
    return isDamaged(report) ? 1 : 0
  })
}

export const isDamaged = ({ findings }: CheckReport): boolean => findings.some(({ severity }) => severity !== 'note')

/** The report with the names of what is lost beside the store's numbers. */
export const jsonOf = (report: object, names: PartitionNames): string =>
  JSON.stringify(
    report,
    (_, value: unknown) => (isLostRange(value) ? { ...value, ...names.of(value.partition) } : value),
    2,
  )

const isLostRange = (value: unknown): value is LostRange =>
  typeof value === 'object' && value !== null && 'partition' in value && 'first' in value && 'last' in value

export function checkText({ findings, checked }: CheckReport, folder: string, names: PartitionNames): string {
  const { segments, frames, spans, extents } = checked
  const lines = findings.map((found) => findingText(found, names))
  const losses = findings.filter(({ severity }) => severity === 'loss').length
  const repairable = findings.filter(({ severity }) => severity === 'repairable').length
  lines.push(`checked ${folder}: ${segments} segments, ${frames} frames, ${spans} spans, ${extents} extents`)
  if (losses > 0)
    lines.push(`records are lost in ${losses} places; dragoman repair --data ${folder} goes on without them`)
  else if (repairable > 0) lines.push(`nothing is lost; dragoman repair --data ${folder} mends ${repairable} places`)
  else lines.push('all is as it was written')
  return lines.join('\n')
}

export function findingText({ severity, file, position, bytes, detail, lost }: Finding, names: PartitionNames): string {
  const where = bytes > 0 ? `${file} at ${position}, ${bytes} bytes` : `${file} at ${position}`
  return [`${severity}: ${where}: ${detail}`, ...lost.map((range) => lostText(range, names))].join('\n')
}

export const lostText = ({ partition, first, last }: LostRange, names: PartitionNames): string =>
  `  ${nameText(partition, names)}: offsets ${first} to ${last} are lost`

function nameText(partition: number, names: PartitionNames): string {
  const name = names.of(partition)
  if (name === undefined) return `partition ${partition} of the store`
  const within = name.namespace === 'default' ? '' : ` of namespace ${name.namespace}`
  return name.log === null ? `retained messages${within}` : `${name.log}${within}, partition ${name.index}`
}
