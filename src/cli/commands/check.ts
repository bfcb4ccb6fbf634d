import { checkData, type CheckReport, type Finding, type LostRange } from '../../log/index.ts'
import { writeOutput } from '../../world/node/index.ts'
import type { Input } from '../command.ts'
import { withDataFolder } from '../data-folder.ts'

/** Reads everything in the data folder, writes nothing. Exit code 1: something is not as it was written. */
export function check(input: Input): Promise<number> {
  return withDataFolder(input, async (disk, folder) => {
    const report = await checkData(disk)
    writeOutput(input.has('json') ? JSON.stringify(report, null, 2) : checkText(report, folder))
    return isDamaged(report) ? 1 : 0
  })
}

export const isDamaged = ({ findings }: CheckReport): boolean => findings.some(({ severity }) => severity !== 'note')

export function checkText({ findings, checked }: CheckReport, folder: string): string {
  const { segments, frames, spans, extents } = checked
  const lines = findings.map(findingText)
  const losses = findings.filter(({ severity }) => severity === 'loss').length
  const repairable = findings.filter(({ severity }) => severity === 'repairable').length
  lines.push(`checked ${folder}: ${segments} segments, ${frames} frames, ${spans} spans, ${extents} extents`)
  if (losses > 0)
    lines.push(`records are lost in ${losses} places; dragoman repair --data ${folder} goes on without them`)
  else if (repairable > 0) lines.push(`nothing is lost; dragoman repair --data ${folder} mends ${repairable} places`)
  else lines.push('all is as it was written')
  return lines.join('\n')
}

export function findingText({ severity, file, position, bytes, detail, lost }: Finding): string {
  const where = bytes > 0 ? `${file} at ${position}, ${bytes} bytes` : `${file} at ${position}`
  return [`${severity}: ${where}: ${detail}`, ...lost.map(lostText)].join('\n')
}

export const lostText = ({ partition, first, last }: LostRange): string =>
  `  partition ${partition}: offsets ${first} to ${last} are lost`
