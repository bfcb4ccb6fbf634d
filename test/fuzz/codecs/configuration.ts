import assert from 'node:assert/strict'
import { parse, stringify } from 'yaml'
import { readArguments } from '../../../src/cli/arguments.ts'
import { UserError } from '../../../src/cli/command.ts'
import { commands } from '../../../src/cli/commands/index.ts'
import { readConfiguration } from '../../../src/cli/configuration.ts'
import { knownSettings } from '../../../src/protocols.ts'
import {
  fields,
  formatEndpoint,
  fromEnvironment,
  parseEndpoint,
  readSettings,
  variableName,
  type Raw,
} from '../../../src/server/index.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'
import type { Codec } from '../codec.ts'
import { pick } from '../mutate.ts'

const known = knownSettings()
const all = fields(known)
const values = ['1', '64 MiB', '-1', '30s', 'true', 'null', '{}', '[1]', '~', '1e9', '.inf', '"x"', '0x10', '7d', 'off']
const words = ['toString', '__proto__', 'constructor', 'listen', 'kafka', 'limits', 'x']

const line = (random: SimRandom): string => {
  const path = random.once(6) ? [pick(random, words), pick(random, words)] : pick(random, all).path
  return `${path.map((key, depth) => `${'  '.repeat(depth)}${key}:`).join('\n')} ${pick(random, values)}`
}

/** A configuration file. */
const yaml: Codec = {
  name: 'config-yaml',
  // The parser of a library, which builds a tree of objects.
  memory: { free: 1024 * 1024, perByte: 1000 },
  oneOf: 20,
  seeds: [
    'listen:\n  kafka: 0.0.0.0:9092\n  mqtt: off\nlimits:\n  memoryBytes: 64 MiB\n',
    'a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n',
    '? {a: b}\n: !!binary aGVsbG8=\n---\nx: |-\n  text\n',
    stringify(Object.fromEntries(all.slice(0, 3).map(({ path, field }) => [path[0], field.default]))),
  ].map((each) => Buffer.from(each)),
  roundTrip: (random) => Buffer.from(Array.from({ length: 1 + random.below(3) }, () => line(random)).join('\n')),
  take(input) {
    let raw: unknown
    try {
      raw = parse(input.toString(), { logLevel: 'silent' })
    } catch {
      return false // said as it is to whoever started the broker
    }
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return false
    const settings = readSettings(raw as Raw, known)
    if ('error' in settings) {
      assert.match(settings.detail, /: /)
      return false
    }
    for (const key of Object.keys(raw)) {
      assert.ok(Object.hasOwn(settings.ok, key), `${key} is taken, and means nothing`)
    }
    return true
  },
}

/** Lines NAME=VALUE. */
const environment: Codec = {
  name: 'config-environment',
  seeds: [],
  oneOf: 10,
  memory: { free: 256 * 1024, perByte: 200 },
  roundTrip(random) {
    const { path, field } = pick(random, all)
    const name = variableName(path)
    const found = fromEnvironment({ [name]: String(field.default) }, known)
    assert.ok('ok' in found && 'ok' in readSettings(found.ok, known), name)
    return Buffer.from(`${name}=${pick(random, values)}`)
  },
  take(input) {
    const lines = input.toString().split('\n')
    const variables = Object.fromEntries(lines.map((each) => each.split('=', 2) as [string, string]))
    const found = fromEnvironment(variables, known)
    return 'ok' in found && 'ok' in readSettings(found.ok, known)
  },
}

/** HOST:PORT. */
const endpoint: Codec = {
  name: 'config-endpoint',
  seeds: ['127.0.0.1:9092', '[::1]:9092', 'localhost', ':1', '9092', 'off'].map((each) => Buffer.from(each)),
  take(input) {
    const found = parseEndpoint(input.toString(), 9092)
    if (found === undefined) return false
    assert.ok(found.port >= 0 && found.port <= 65_535)
    assert.deepStrictEqual(parseEndpoint(formatEndpoint(found), 1), found)
    return true
  },
}

const flags = [...new Set(Object.values(commands).flatMap((command) => Object.keys(command.flags)))]
const assignments = [
  ...all.map(({ path }) => `${path.join('.')}=1`),
  ...['data=x', 'data.y=1', '__proto__.polluted=1', 'constructor.prototype.polluted=1', 'log=text', '.=1', 'a..b='],
]
const tokens = [
  ...flags.map((flag) => `--${flag}`),
  ...[
    '--',
    '-',
    '-x',
    '--set',
    'limits.x=1',
    'data=x',
    'data.y=1',
    '__proto__.polluted=1',
    'kafka=off',
    '=',
    'a=b',
    '',
  ],
]

/** The command's number, then arguments, a line each. */
const commandLine: Codec = {
  name: 'cli-arguments',
  seeds: [],
  oneOf: 10,
  memory: { free: 1024 * 1024, perByte: 1000 },
  roundTrip(random) {
    const pair = (): string[] => ['--set', pick(random, assignments)]
    const some = (): string[] => (random.once(2) ? pair() : [pick(random, random.once(3) ? values : tokens)])
    const args = Array.from({ length: random.below(6) }, some).flat()
    return Buffer.concat([Buffer.from([random.below(8)]), Buffer.from(args.join('\n'))])
  },
  async take(input) {
    if (input.length === 0) return false
    const entries = Object.entries(commands)
    const [name, command] = entries[input[0]! % entries.length]!
    try {
      const given = readArguments(name, command, input.subarray(1).toString().split('\n'))
      // No files of whatever name.
      if (given.has('config') || !('listen' in command.flags)) return true
      await readConfiguration(given, {})
      return true
    } catch (error) {
      if (error instanceof UserError) return false
      throw error
    } finally {
      assert.ok(!('polluted' in {}), 'an object of the runtime was written to')
    }
  },
}

export const configurationCodecs: readonly Codec[] = [yaml, environment, endpoint, commandLine]
