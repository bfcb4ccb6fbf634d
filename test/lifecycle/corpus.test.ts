/**
 * Data folders that earlier releases wrote are read whole by this one: each is opened by the real process, and all that
 * real clients see is compared with what they saw then. See make-corpus.ts.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { root, run, spawnTestBroker, temporaryFolder } from '../support/index.ts'
import { corpusFlags, corpusFolder, releases, unpack, type Expected } from './corpus.ts'
import { readAll } from './content/read.ts'

test('there is a corpus', () => {
  assert.ok(releases().length > 0)
})

for (const release of releases()) {
  const folder = path.join(corpusFolder, release)
  const { folders } = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as Expected
  for (const [ending, expected] of Object.entries(folders)) {
    test(`${release}, ${ending}: everything is there`, { timeout: 120_000 }, async (t) => {
      const data = path.join(temporaryFolder(t), 'data')
      await unpack(path.join(folder, `${ending}.tar.xz`), data)
      const check = await run(process.execPath, ['src/cli/main.ts', 'check', '--data', data], { cwd: root })
      assert.match(check.stdout, /all is as it was written/)
      const broker = await spawnTestBroker(t, { data, flags: corpusFlags })
      assert.deepEqual(await readAll(broker), expected)
      const { code, stderr } = await broker.process.stop('SIGTERM')
      assert.equal(code, 0, stderr)
    })
  }
}
