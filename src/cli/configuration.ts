import { failed } from '../base/index.ts'
import { knownSettings } from '../protocols.ts'
import { fromEnvironment, merge, put, readSettings, type Raw, type Settings } from '../server/index.ts'
import { readTextFile } from '../world/node/index.ts'
import { UserError, type Input } from './command.ts'

/** File, then environment over it, then flags over both. */
export async function readConfiguration(input: Input, environment: NodeJS.ProcessEnv): Promise<Settings> {
  const known = knownSettings()
  const file = await readFile(input.one('config') ?? environment.DRAGOMAN_CONFIG)
  const fromVariables = fromEnvironment(environment, known)
  if (failed(fromVariables)) throw new UserError(fromVariables.detail, 2)
  const raw = merge(merge(file.raw, fromVariables.ok), fromFlags(input))
  const settings = readSettings(raw, known)
  if (!failed(settings)) return settings.ok
  const onlyFile = readSettings(file.raw, known)
  throw new UserError(failed(onlyFile) ? `${file.name}: ${onlyFile.detail}` : settings.detail, 2)
}

async function readFile(named: string | undefined): Promise<{ name: string; raw: Raw }> {
  const name = named ?? 'dragoman.yaml'
  const text = textOf(name)
  if (text === undefined) {
    if (named !== undefined) throw new UserError(`${name}: there is no such file`, 2)
    return { name, raw: {} }
  }
  const { parse } = await import('yaml')
  try {
    const raw: unknown = parse(text)
    if (raw === null) return { name, raw: {} }
    if (typeof raw === 'object' && !Array.isArray(raw)) return { name, raw: raw as Raw }
  } catch (error) {
    throw new UserError(`${name}: ${(error as Error).message}`, 2)
  }
  throw new UserError(`${name}: must be a mapping of keys to values`, 2)
}

function textOf(name: string): string | undefined {
  try {
    return readTextFile(name)
  } catch (error) {
    throw new UserError(`${name}: ${(error as Error).message}`, 2)
  }
}

function fromFlags(input: Input): Raw {
  const raw: Record<string, unknown> = {}
  for (const text of input.all('set')) {
    const [path, value] = split(text, '--set', 'KEY=VALUE')
    put(raw, path.split('.'), value)
  }
  for (const text of input.all('listen')) {
    const [name, endpoint] = split(text, '--listen', 'NAME=HOST:PORT')
    put(raw, ['listen', name], endpoint)
  }
  if (input.has('memory') && input.has('data')) throw new UserError('--memory and --data exclude one another', 2)
  if (input.has('memory')) put(raw, ['data'], 'memory')
  const plain = { data: ['data'], durability: ['durability'], log: ['log', 'format'], 'log-level': ['log', 'level'] }
  for (const [flag, path] of Object.entries(plain)) {
    const value = input.one(flag)
    if (value !== undefined) put(raw, path, value)
  }
  return raw
}

function split(text: string, flag: string, shape: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new UserError(`${flag} ${text}: must be ${shape}`, 2)
  return [text.slice(0, at), text.slice(at + 1)]
}
