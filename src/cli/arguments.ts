import { parseArgs } from 'node:util'
import { UserError, type Command, type Input } from './command.ts'

/** Reads the arguments after the command's name. */
export function readArguments(name: string, command: Command, args: readonly string[]): Input {
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([flag, { value }]) => [
      flag,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: true },
    ]),
  )
  const usage = `see: dragoman ${name} --help`
  let parsed
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    // The first sentence says what is wrong; the others speak of writing programs.
    throw new UserError(`${(error as Error).message.split('. ')[0] ?? ''}; ${usage}`, 2)
  }
  const { positionals } = parsed
  const { min, max } = command.positionals
  if (positionals.length < min || positionals.length > max) {
    throw new UserError(`usage: dragoman ${name} ${command.usage}\n${usage}`, 2)
  }
  const values = parsed.values as Readonly<Record<string, readonly (string | boolean)[] | undefined>>
  for (const [flag, { multiple }] of Object.entries(command.flags)) {
    if (multiple !== true && (values[flag]?.length ?? 0) > 1)
      throw new UserError(`--${flag} is given twice; ${usage}`, 2)
  }
  const all = (flag: string): readonly string[] => (values[flag] ?? []).map(String)
  return { positionals, all, one: (flag) => all(flag).at(-1), has: (flag) => values[flag] !== undefined }
}
