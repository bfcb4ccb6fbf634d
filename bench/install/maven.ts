import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { ensureCommand } from '../../test/support/install.ts'
import { cached, perform } from './cache.ts'

/** The class path of everything that a `pom.xml` names, from Maven Central. */
export async function mavenJars(name: string, pom: URL): Promise<string> {
  for (const [command, debianPackage] of [
    ['java', 'default-jre-headless'],
    ['mvn', 'maven'],
  ] as const) {
    const missing = await ensureCommand(command, debianPackage)
    if (missing !== false) throw new Error(missing)
  }
  const digest = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 8)
  const folder = await cached(`${name}-${digest}`, (folder) => {
    mkdirSync(folder, { recursive: true })
    copyFileSync(pom, path.join(folder, 'pom.xml'))
    const copy = ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=jars']
    perform('mvn', copy, folder)
  })
  return path.join(folder, 'jars', '*')
}
