#!/usr/bin/env node
import { OutputError, writeError, writeOutput } from '../world/node/index.ts'
import { readArguments } from './arguments.ts'
import { UserError } from './command.ts'
import { commands } from './commands/index.ts'
import { helpOf, overview } from './help.ts'
import { version } from '../version.ts'

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    writeOutput(overview(commands, version))
    return name === undefined ? 2 : 0
  }
  if (name === '--version' || name === 'version') {
    writeOutput(version)
    return 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) throw new UserError(`there is no command ${name}; dragoman help shows them`, 2)
  if (rest.includes('--help') || rest.includes('-h')) {
    writeOutput(helpOf(name, command))
    return 0
  }
  return command.run(readArguments(name, command, rest))
}

/** As the shell reports a program that SIGPIPE has ended. */
const closedPipe = 141

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  // Whatever is still open is of no use any more.
  if (error instanceof OutputError && error.closed) process.exit(closedPipe)
  if (!(error instanceof UserError) && !(error instanceof OutputError)) throw error
  writeError(error.message)
  process.exit(error instanceof UserError ? error.exitCode : 1)
}
