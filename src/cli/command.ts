/** One command of the command line. Its code is loaded when it runs: starting the broker must not read all of it. */
export interface Command {
  summary: string
  /** After `dragoman NAME`. */
  usage: string
  example: string
  flags: Readonly<Record<string, Flag>>
  /** How many arguments that are no flags it takes. */
  positionals: { min: number; max: number }
  run(input: Input): Promise<number>
}

export interface Flag {
  help: string
  /** What stands for the value in the help; absent = the flag has none. */
  value?: string
  multiple?: true
}

export interface Input {
  positionals: readonly string[]
  /** Values of a flag, in order; empty when it was not given. */
  all(flag: string): readonly string[]
  /** The last value, or undefined. */
  one(flag: string): string | undefined
  has(flag: string): boolean
}

/** What the user can mend: printed as it is, without a stack, and the exit code is 1 (2 for wrong usage). */
export class UserError extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}
