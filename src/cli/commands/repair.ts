import { checkData, repairData, type RepairReport } from '../../log/index.ts'
import type { Disk } from '../../world/index.ts'
import { writeOutput } from '../../world/node/index.ts'
import type { Input } from '../command.ts'
import { withDataFolder } from '../data-folder.ts'
import { checkText, findingText, isDamaged, lostText } from './check.ts'

/** Without `--yes` it only says what it would do. Exit code 1: there is damage left. */
export function repair(input: Input): Promise<number> {
  return withDataFolder(input, (disk, folder) => (input.has('yes') ? mend(input, disk) : ask(input, disk, folder)))
}

async function ask(input: Input, disk: Disk, folder: string): Promise<number> {
  const report = await checkData(disk)
  const damaged = isDamaged(report)
  if (input.has('json')) writeOutput(JSON.stringify(report, null, 2))
  else writeOutput(checkText(report, folder))
  if (damaged && !input.has('json')) {
    writeOutput(`nothing was changed; copy ${folder} first if you can, then: dragoman repair --data ${folder} --yes`)
  }
  return damaged ? 1 : 0
}

async function mend(input: Input, disk: Disk): Promise<number> {
  const report = await repairData(disk)
  writeOutput(input.has('json') ? JSON.stringify(report, null, 2) : textOf(report))
  return report.left.some(({ severity }) => severity === 'loss') ? 1 : 0
}

function textOf({ before, done, lost, left }: RepairReport): string {
  const lines = [...before.findings.map(findingText), ...done]
  if (lost.length > 0) lines.push('gone for good:', ...lost.map(lostText))
  const open = left.filter(({ severity }) => severity !== 'note')
  if (open.length > 0) lines.push('still wrong:', ...open.map(findingText))
  else lines.push(done.length === 0 ? 'there was nothing to repair' : 'repaired')
  return lines.join('\n')
}
