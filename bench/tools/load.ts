/** What a load tool said of one run. Rates are of the part after its warm-up, where the tool can tell it apart. */
export interface Load {
  messages: number
  perSecond?: number
  p50Ms?: number
  p99Ms?: number
  /** The command that was run, as one could type it. */
  command: string
}

/** Where a load goes: a server's `host:port`. */
export interface Target {
  host: string
  port: number
}

/** How a tool says which part of its run is the load, when it sets up and tears down for long. */
export interface Watch {
  begins(): void
  ends(): void
}

export class ToolError extends Error {}

/** The first group of `pattern` as a number; a tool that says something else has failed, whatever its exit code. */
export function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new ToolError(`the tool said nothing like ${pattern}:\n${text.slice(-2000)}`)
  return Number(found)
}

/** All groups of the last match, as numbers: tools print a line again and again, and the last one sums up. */
export function lastNumbersIn(text: string, pattern: RegExp): number[] {
  const found = [...text.matchAll(new RegExp(pattern, 'gm'))].at(-1)
  if (found === undefined) throw new ToolError(`the tool said nothing like ${pattern}:\n${text.slice(-2000)}`)
  return found.slice(1).map(Number)
}
