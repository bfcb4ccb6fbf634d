/**
 * `npm run fuzz -- [--inputs N] [--seconds N] [--codec NAME] [--seed S]`: gives N inputs to every codec, or to those whose
 * name holds NAME, or as many as fit into the seconds for each, and says what was found, with the smallest input that
 * does it. `--input HEX --codec NAME` gives that one again. `--plain` does not look at coverage, which costs most of the
 * time of a short run; `--json` is for the test.
 */
import { parseArgs } from 'node:util'
import { countAllocations } from './allocations.ts'
import { codecs } from './codecs/index.ts'
import { Coverage } from './coverage.ts'
import { Run, tryInput, type Result } from './engine.ts'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: 'Infinity' },
    codec: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    input: { type: 'string' },
    plain: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const say = (text: string): void => void process.stdout.write(`${text}\n`)

const chosen = codecs.filter(({ name }) => name.includes(values.codec))
if (chosen.length === 0) {
  process.stderr.write(`no codec "${values.codec}"; there are: ${codecs.map(({ name }) => name).join(', ')}\n`)
  process.exit(2)
}
countAllocations()

async function one(hex: string): Promise<void> {
  const { error, taken } = await tryInput(chosen[0]!, Buffer.from(hex, 'hex'))
  say(`${chosen[0]!.name}: ${error?.stack ?? (taken ? 'taken' : 'refused')}`)
  process.exitCode = error === null ? 0 : 1
}

function line({ codec, inputs, taken, inputsPerSecond, corpus, slowestMs, findings }: Result): string {
  const share = ((100 * taken) / Math.max(1, inputs)).toFixed(0)
  return `${codec.padEnd(20)} ${String(inputs).padStart(9)} inputs ${String(inputsPerSecond).padStart(8)}/s ${share.padStart(3)} % taken, corpus ${String(corpus).padStart(3)}, slowest ${slowestMs} ms, ${findings.length} findings`
}

async function all(inputs: number, seed: number, secondsMax: number): Promise<void> {
  const results: Result[] = []
  for (const codec of chosen) {
    const coverage = values.plain ? null : new Coverage()
    const result = await new Run(codec, seed, coverage).upTo(Math.ceil(inputs / (codec.oneOf ?? 1)), secondsMax * 1000)
    coverage?.stop()
    results.push(result)
    if (values.json) continue
    say(line(result))
    for (const { error, hex } of result.findings) say(`  ${error}\n  again: --codec ${codec.name} --input ${hex}`)
  }
  if (values.json) say(JSON.stringify(results))
  const found = results.reduce((sum, { findings }) => sum + findings.length, 0)
  const total = results.reduce((sum, result) => sum + result.inputs, 0)
  if (!values.json) say(`${total} inputs to ${results.length} codecs, ${found} findings`)
  process.exitCode = found === 0 ? 0 : 1
}

if (values.input !== undefined) await one(values.input)
else await all(Number(values.inputs), Number(values.seed), Number(values.seconds))
