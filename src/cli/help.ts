import type { Command } from './command.ts'

export function helpOf(name: string, command: Command): string {
  const lines = [command.summary, '', `usage: dragoman ${name} ${command.usage}`.trimEnd()]
  const flags = Object.entries(command.flags).map(([flag, { value, help, multiple }]) => {
    const left = `--${flag}${value === undefined ? '' : ` ${value}`}`
    return [left, multiple === true ? `${help}; may be repeated` : help] as const
  })
  lines.push('', ...table([...flags, ['--help', 'this text']]), '', 'example:', `  ${command.example}`)
  return lines.join('\n')
}

export function overview(commands: Readonly<Record<string, Command>>, version: string): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => [name, summary] as const)
  return [
    `Dragoman ${version}: one broker for the clients of Kafka, RabbitMQ and MQTT`,
    '',
    'usage: dragoman COMMAND [FLAGS]',
    '',
    ...table(rows),
    '',
    'dragoman COMMAND --help shows its flags and an example.',
  ].join('\n')
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`)
}
