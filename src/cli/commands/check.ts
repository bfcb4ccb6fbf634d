import { failed } from '../../base/index.ts'
import { checkData, type CheckReport, type Finding, type LostRange } from '../../log/index.ts'
import { NodeDisk, writeOutput } from '../../world/node/index.ts'
import { UserError, type Input } from '../command.ts'
import { readConfiguration } from '../configuration.ts'

/** Reads everything in the data folder, writes nothing. Exit code 1: something is not as it was written. */
export async function check(input: Input): Promise<number> {
  const { data } = await readConfiguration(input, process.env)
  if (data === 'memory') throw new UserError('there is no data folder to check; name one with --data DIR', 2)
  const disk = new NodeDisk(data)
  if ((await disk.stat('.')) === null) throw new UserError(`${data}: there is no such folder`)
  const lock = await disk.lock()
  if (failed(lock)) throw new UserError(lock.detail)
  try {
    const report = await checkData(disk)
    writeOutput(input.has('json') ? JSON.stringify(report, null, 2) : textOf(report, data))
    return report.findings.some(({ severity }) => severity !== 'note') ? 1 : 0
  } finally {
    await lock.ok.release()
  }
}

function textOf({ findings, checked }: CheckReport, data: string): string {
  const { segments, frames, spans, extents } = checked
  const lines = findings.map(describe)
  const losses = findings.filter(({ severity }) => severity === 'loss').length
  const repairable = findings.filter(({ severity }) => severity === 'repairable').length
  lines.push(`checked ${data}: ${segments} segments, ${frames} frames, ${spans} spans, ${extents} extents`)
  if (losses > 0)
    lines.push(`records are lost in ${losses} places; dragoman repair --data ${data} goes on without them`)
  else if (repairable > 0) lines.push(`nothing is lost; dragoman repair --data ${data} mends ${repairable} places`)
  else lines.push('all is as it was written')
  return lines.join('\n')
}

export function describe({ severity, file, position, bytes, detail, lost }: Finding): string {
  const where = bytes > 0 ? `${file} at ${position}, ${bytes} bytes` : `${file} at ${position}`
  return [`${severity}: ${where}: ${detail}`, ...lost.map(describeLost)].join('\n')
}

const describeLost = ({ partition, first, last }: LostRange): string =>
  `  partition ${partition}: offsets ${first} to ${last} are lost`
