import assert from 'node:assert/strict'
import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import {
  root,
  run,
  spawnTestBroker,
  start,
  type Running,
  type RunResult,
  type SpawnedBroker,
} from '../support/index.ts'
import { logs, publishRounds, readKept, type Log } from './kept.ts'

const main = path.join(root, 'src/cli/main.ts')
const env = {
  DRAGOMAN_STORAGE_SEGMENT_BYTES: '2 MiB',
  DRAGOMAN_STORAGE_TAIL_BYTES: '1 MiB',
  DRAGOMAN_STORAGE_CHECKPOINT_BYTES: '2 MiB',
  DRAGOMAN_STORAGE_MERGE_AFTER_MS: '500',
}
const folder = mkdtempSync(path.join(tmpdir(), 'dragoman-'))
const whole = path.join(folder, 'whole')
/** Of each log. */
let records = 0
let writer: Running | undefined

const files = (data: string, kind: string): string[] =>
  readdirSync(path.join(data, kind)).map((name) => path.join(kind, name))

/** One folder with journal, spans, indexes and checkpoints, written by the real process for real clients. */
before(async () => {
  // A span that is being written when the broker stops is gone with the next start.
  do await fill()
  while (!merged())
})

const merged = (): boolean => files(whole, 'spans').length > 0 && files(whole, 'checkpoint').length > 0

async function fill(): Promise<void> {
  const args = ['kafka', 'amqp', 'mqtt', 'http'].flatMap((name) => ['--listen', `${name}=127.0.0.1:0`])
  const running = (writer = start(
    process.execPath,
    [main, 'serve', ...args, '--listen', 'mqtt-ws=off', '--data', whole],
    {
      env,
      timeoutMs: 200_000,
    },
  ))
  await running.waitFor(/ready in \d+ ms/)
  const address = (name: string): string => new RegExp(`^listening ${name} (\\S+)$`, 'm').exec(running.stdout)![1]!
  const broker = { address } as SpawnedBroker
  for (let n = 0; n < 8 || !merged(); n++) records = await publishRounds(broker, 1, records)
  await running.stop()
}
after(async () => {
  await writer?.stop('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

const segmentOf = (data: string, file: string): number => {
  const bytes = Buffer.alloc(32)
  const descriptor = openSync(path.join(data, file), 'r')
  readSync(descriptor, bytes, 0, 32, 0)
  closeSync(descriptor)
  return bytes.readUInt32LE(0) === 0 ? -1 : bytes.readUInt32LE(24)
}

const inOrder = (data: string): string[] =>
  files(data, 'journal')
    .filter((file) => segmentOf(data, file) >= 0)
    .sort((a, b) => segmentOf(data, a) - segmentOf(data, b))

/** Where a record that is kept lies in the file; -1: it holds none. */
const placeIn = (file: string): number => readFileSync(file, 'latin1').search(/\d\.{64}/)

/** One of each kind; the newest segment is read by a start, the oldest is not. */
const chosen: Record<string, (data: string) => string> = {
  'the newest segment of the journal': (data) => inOrder(data).findLast((file) => placeIn(path.join(data, file)) > 0)!,
  'the oldest segment of the journal': (data) => inOrder(data)[0]!,
  'a span': (data) => files(data, 'spans').sort()[0]!,
  'an index': (data) => files(data, 'index').sort()[0]!,
  'a checkpoint': (data) => files(data, 'checkpoint').sort().at(-1)!,
}

const damages: Record<string, (file: string) => void> = {
  flipped: (file) => {
    const descriptor = openSync(file, 'r+')
    const byte = Buffer.alloc(1)
    const record = placeIn(file)
    const at = record > 0 ? record + 20 : Math.floor(statSync(file).size / 3)
    readSync(descriptor, byte, 0, 1, at)
    byte[0]! ^= 0x10
    writeSync(descriptor, byte, 0, 1, at)
    closeSync(descriptor)
  },
  truncated: (file) => truncateSync(file, Math.floor(statSync(file).size / 3)),
}

interface Lost {
  first: number
  last: number
  log?: string | null
}

const command = (name: string, data: string, ...flags: string[]): Promise<RunResult> =>
  run(process.execPath, [main, name, '--data', data, ...flags], { allowFailure: true, timeoutMs: 60_000 })

/** Every number is there, but those that were told to be lost. Returns how many are not. */
function onlyToldIsMissing(found: Record<Log, Set<number>>, lost: readonly Lost[], when: string): number {
  let missing = 0
  for (const log of logs) {
    for (let number = 0; number < records; number++) {
      if (found[log].has(number)) continue
      missing++
      const told = lost.some((range) => range.log === log && range.first <= number && number <= range.last)
      assert.ok(told, `${when}: ${log} has lost ${number} of ${records}, unsaid: ${JSON.stringify(lost)}`)
    }
  }
  return missing
}

/** Starts it; null: it refused, with the one line that is returned. */
async function startOver(t: TestContext, data: string): Promise<SpawnedBroker | string> {
  try {
    return await spawnTestBroker(t, { data, env })
  } catch (error) {
    const lines = (error as Error).message.trim().split('\n')
    assert.match(lines[0]!, /ended with 1$/, (error as Error).message)
    return lines.at(-1)!
  }
}

async function goThrough(t: TestContext, what: string, damage: string): Promise<void> {
  const data = path.join(folder, `${what} ${damage}`.replaceAll(' ', '-'))
  cpSync(whole, data, { recursive: true })
  const file = chosen[what]!(data)
  damages[damage]!(path.join(data, file))

  const checked = await command('check', data, '--json')
  const { findings } = JSON.parse(checked.stdout) as { findings: { severity: string; file: string; lost: Lost[] }[] }
  const grave = findings.filter(({ severity }) => severity !== 'note')
  assert.equal(checked.code, grave.length > 0 ? 1 : 0, checked.stdout)
  const toldByCheck = grave.flatMap(({ lost }) => lost)

  const broker = await startOver(t, data)
  let outcome = 'starts'
  if (typeof broker === 'string') {
    outcome = 'refuses to start until repaired'
    assert.ok(broker.includes(file) && broker.includes('dragoman repair'), `names the file, and what to do: ${broker}`)
    assert.ok(grave.length > 0, 'check says why')
    t.diagnostic(broker.replace(folder, ''))
  } else {
    const missing = onlyToldIsMissing(await readKept(broker), toldByCheck, 'as it is')
    if (missing > 0) await broker.process.waitFor(new RegExp(file.replace(/.*\//, '')), 5000, 'stderr')
    assert.equal((await broker.process.stop()).code, 0)
  }

  const repaired = await command('repair', data, '--yes', '--json')
  assert.equal(repaired.code, 0, repaired.stdout + repaired.stderr)
  const { lost } = JSON.parse(repaired.stdout) as { lost: Lost[] }
  const again = await command('check', data)
  assert.equal(again.code, 0, again.stdout)
  const mended = await startOver(t, data)
  if (typeof mended === 'string') throw new Error(mended)
  const missing = onlyToldIsMissing(await readKept(mended), [...toldByCheck, ...lost], 'repaired')
  await publishRounds(mended, 1, records)
  const found = await readKept(mended)
  for (const log of logs) assert.ok(found[log].has(records + 1), `${log} takes records again`)
  assert.equal((await mended.process.stop()).code, 0)
  rmSync(data, { recursive: true })
  t.diagnostic(`${file}: ${outcome}; ${missing} of ${3 * records} records are gone, all of them told`)
}

for (const what of Object.keys(chosen)) {
  for (const damage of Object.keys(damages)) {
    // The store's own test goes through all of them in every run; the real process takes its time for each.
    const brief = damage === 'flipped' && what === 'a span'
    const skip = !brief && process.env.TEST_DISK !== 'full' ? 'TEST_DISK=full' : false
    test(`${what} is ${damage}: told, mended, and nothing else is missing`, { skip, timeout: 240_000 }, (t) =>
      goThrough(t, what, damage),
    )
  }
}
