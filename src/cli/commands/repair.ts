import { checkData, repairData, type Finding, type RepairReport } from '../../log/index.ts'
import type { Disk } from '../../world/index.ts'
import { writeOutput } from '../../world/node/index.ts'
import type { Input } from '../command.ts'
import { withDataFolder } from '../data-folder.ts'
import { PartitionNames } from '../../core/index.ts'
import { checkText, findingText, isDamaged, jsonOf, lostText } from './check.ts'

/** Without `--yes` it only says what it would do. Exit code 1: there is damage left. */
export function repair(input: Input): Promise<number> {
  if (input.has('yes')) return withDataFolder(input, 'write', (disk) => mend(input, disk))
  return withDataFolder(input, 'read', (disk, folder) => ask(input, disk, folder))
}

async function ask(input: Input, disk: Disk, folder: string): Promise<number> {
  const names = new PartitionNames()
  const report = await checkData(disk, names)
  const damaged = isDamaged(report)
  writeOutput(input.has('json') ? jsonOf(report, names) : checkText(report, folder, names))
  if (damaged && !input.has('json')) {
    writeOutput(`nothing was changed; copy ${folder} first if you can, then: dragoman repair --data ${folder} --yes`)
  }
  return damaged ? 1 : 0
}

async function mend(input: Input, disk: Disk): Promise<number> {
  const names = new PartitionNames()
  const report = await repairData(disk, names)
  writeOutput(input.has('json') ? jsonOf(report, names) : textOf(report, names))
  return report.left.some(({ severity }) => severity === 'loss') ? 1 : 0
}

function textOf({ before, done, lost, left }: RepairReport, names: PartitionNames): string {
  const tell = (found: Finding): string => findingText(found, names)
  const lines = [...before.findings.map(tell), ...done]
  if (lost.length > 0) lines.push('gone for good:', ...lost.map((range) => lostText(range, names)))
  const open = left.filter(({ severity }) => severity !== 'note')
  if (open.length > 0) lines.push('still wrong:', ...open.map(tell))
  else lines.push(done.length === 0 ? 'there was nothing to repair' : 'repaired')
  return lines.join('\n')
}
