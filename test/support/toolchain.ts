/**
 * The real clients that judge us. Each tool is found on this machine or installed into a cache; where that cannot be,
 * `missing` says why and the test skips by that name:
 *
 *     const kcat = await toolchain.command('kcat')
 *     test('kcat produces', { skip: kcat.missing }, async (t) => {
 *       const { stdout } = await kcat.run(['-b', broker.address('kafka'), '-L'])
 *     })
 */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { attempt, cacheFolder, ensureCommand, installOnce, which } from './install.ts'
import { run, start, type RunOptions, type RunResult, type Running } from './process.ts'

export interface Tool {
  /** False when the tool is there, else the reason why not: give it to a test as `skip`. */
  readonly missing: string | false
  /** Runs to the end; a bad exit code throws unless `allowFailure`. */
  run(args: readonly string[], options?: RunOptions): Promise<RunResult>
  /** Starts and goes on; the caller stops it. */
  start(args: readonly string[], options?: RunOptions): Running
}

function tool(missing: string | false, command: string, first: readonly string[] = []): Tool {
  return {
    missing,
    run: (args, options) => run(command, [...first, ...args], options),
    start: (args, options) => start(command, [...first, ...args], options),
  }
}

const debianPackages: Record<string, string> = {
  kcat: 'kcat',
  mosquitto_pub: 'mosquitto-clients',
  mosquitto_sub: 'mosquitto-clients',
  python3: 'python3',
}

/** A command such as `kcat`, `mosquitto_pub` or `mosquitto_sub`. */
export async function command(name: string): Promise<Tool> {
  return tool(await ensureCommand(name, debianPackages[name] ?? name), name)
}

const pythonPackages = ['paho-mqtt==2.1.0', 'pika==1.3.2']

/** Python with paho-mqtt and pika. `run([script.py, ...args])`, or `run(['-c', source])`. */
export async function python(): Promise<Tool> {
  const noPython = await ensureCommand('python3', 'python3')
  if (noPython !== false) return tool(noPython, 'python3')
  const folder = path.join(cacheFolder, 'python')
  const own = path.join(folder, 'bin/python3')
  const missing = await installOnce('python', () => {
    const broken = attempt('python3', ['-m', 'venv', folder])
    if (broken !== false) return broken
    return attempt(own, ['-m', 'pip', 'install', '--quiet', ...pythonPackages])
  })
  return tool(missing === false ? false : `python: ${missing}`, own, ['-u'])
}

const jars = path.join(cacheFolder, 'java/jars')

/**
 * Java with the Kafka clients, the Kafka console tools and the RabbitMQ client on the class path. `run([Name.java,
 * ...args])` compiles and runs one source file; `run([javaConsole.producer, ...args])` runs a class.
 */
export async function java(): Promise<Tool> {
  const first = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto', '-cp', `${jars}/*`]
  if (which('java') === undefined) return tool('java: not installed', 'java')
  const noMaven = await ensureCommand('mvn', 'maven')
  if (noMaven !== false) return tool(`java: ${noMaven}`, 'java')
  const missing = await installOnce('java', () => {
    const folder = path.dirname(jars)
    mkdirSync(folder, { recursive: true })
    copyFileSync(fileURLToPath(new URL('./pom.xml', import.meta.url)), path.join(folder, 'pom.xml'))
    const refused = attempt('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=jars'], folder)
    if (refused !== false) return refused
    return existsSync(jars) ? false : 'mvn copied nothing'
  })
  return tool(missing === false ? false : `java: ${missing}`, 'java', first)
}

/** The classes of Kafka's console tools. */
export const javaConsole = {
  producer: 'org.apache.kafka.tools.ConsoleProducer',
  consumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  topics: 'org.apache.kafka.tools.TopicCommand',
  groups: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
}

/** A program in Go: the folder of its module, built. Modules come from the Go proxy, once. */
export async function go(name: string, folder: string): Promise<Tool> {
  if (which('go') === undefined) return tool('go: not installed', 'go')
  const binary = path.join(cacheFolder, 'go', name)
  mkdirSync(path.dirname(binary), { recursive: true })
  // Always: the toolchain knows by itself whether anything has changed.
  const missing = attempt('go', ['build', '-o', binary, '.'], folder)
  return tool(await Promise.resolve(missing === false ? false : `go: ${missing}`), binary)
}
