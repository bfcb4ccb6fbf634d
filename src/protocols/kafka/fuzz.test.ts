import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { startWorld } from './testing/client.ts'
import { APIS } from './wire/apis.ts'

const file = new URL('./wire/captures/requests.hex', import.meta.url)
const captures = readFileSync(file, 'latin1').trim().split('\n')

const framed = (bytes: Uint8Array): Buffer => {
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}

/** A real request with some bytes changed behind key, version and correlation id. */
const damaged = fc
  .tuple(fc.constantFrom(...captures), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }))
  .map(([hex, changes]) => {
    const bytes = Buffer.from(hex, 'hex')
    for (const [at, value] of changes) bytes[8 + (at % (bytes.length - 8))] = value
    return framed(bytes)
  })

const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))

test('damaged requests and noise get an error or a close, and disturb nobody', async () => {
  const { time, context, connect } = await startWorld()
  const errors: unknown[] = []
  const log = { ...context.log, error: (_: string, fields?: unknown) => errors.push(fields) }
  log.with = () => log
  context.log = log
  const good = await connect()
  const property = fc.asyncProperty(
    fc.array(fc.oneof(damaged, noise), { minLength: 1, maxLength: 5 }),
    async (inputs) => {
      const bad = await connect()
      for (const input of inputs) if (bad.closedFor === null) bad.receive(input)
      await time.advance(5)
      bad.close('client')
      assert.deepEqual(errors, [])
      assert.equal((await good.ask(APIS.apiVersions, 0, {})).errorCode, 0)
    },
  )
  await fc.assert(property, { numRuns: 500 })
})
