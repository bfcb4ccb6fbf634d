import { knownSettings } from '../../protocols.ts'
import { fields, formatEndpoint, variableName, type Settings } from '../../server/index.ts'
import { writeOutput } from '../../world/node/index.ts'
import type { Input } from '../command.ts'
import { readConfiguration } from '../configuration.ts'

/** Checks the configuration, and prints what is in force: YAML that could be the file, or JSON. */
export async function config(input: Input): Promise<number> {
  const settings = await readConfiguration(input, process.env)
  if (input.has('json')) writeOutput(JSON.stringify(plain(settings), null, 2))
  else if (input.has('print')) writeOutput(yamlOf(settings))
  else writeOutput('the configuration is valid; --print shows it')
  return 0
}

function plain(settings: Settings): Record<string, unknown> {
  const listen: Record<string, string> = {}
  for (const name of Object.keys(knownSettings().listeners)) {
    const endpoint = settings.listen[name]
    listen[name] = endpoint === undefined ? 'off' : formatEndpoint(endpoint)
  }
  return { ...settings, listen }
}

/** With a comment on each key: what it means, and the name of its environment variable. */
function yamlOf(settings: Settings): string {
  const values = plain(settings)
  const lines: string[] = []
  let open: readonly string[] = []
  for (const { path, field } of fields(knownSettings())) {
    const groups = path.slice(0, -1)
    const shared = groups.findIndex((key, depth) => open[depth] !== key)
    for (let depth = shared < 0 ? groups.length : shared; depth < groups.length; depth++) {
      lines.push(`${indent(depth)}${groups[depth] ?? ''}:`)
    }
    open = groups
    const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], values)
    lines.push(`${indent(groups.length)}# ${field.help} (${variableName(path)})`)
    lines.push(`${indent(groups.length)}${path.at(-1) ?? ''}: ${scalar(value)}`)
  }
  lines.push('listen:')
  for (const [name, endpoint] of Object.entries(values.listen as Record<string, string>)) {
    lines.push(`  ${name}: ${scalar(endpoint)}`)
  }
  return lines.join('\n')
}

const indent = (depth: number): string => '  '.repeat(depth)

/** JSON's scalars are YAML's. */
function scalar(value: unknown): string {
  return typeof value === 'string' && /^[a-z][\w./-]*$/i.test(value) && value !== 'off' ? value : JSON.stringify(value)
}
