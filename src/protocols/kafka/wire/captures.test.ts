import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { apiOf, isSupported, requestCodec } from './apis.ts'
import { readHeader, readRequest } from './request.ts'
import { SlicingWriter } from './writer.ts'

/** One request a line, without its size, as librdkafka, kafkajs, @platformatic/kafka and the Java clients sent it. */
const file = new URL('./captures/requests.hex', import.meta.url)
const frames = readFileSync(file, 'latin1')
  .trim()
  .split('\n')
  .map((line) => Buffer.from(line, 'hex'))

for (const [i, frame] of frames.entries()) {
  const header = readHeader(frame)
  const api = apiOf(header.apiKey)!
  const title = `${api.name} ${header.apiVersion}`
  test(`capture ${i}, ${title} by ${header.clientId ?? 'nobody'}: decodes to its end and encodes to the same bytes`, () => {
    assert.ok(isSupported(api, header.apiVersion))
    const start = header.body.position
    const request = readRequest(api, header.apiVersion, header.body)
    assert.equal(header.body.remaining, 0)
    const writer = new SlicingWriter()
    requestCodec(api, header.apiVersion).write(writer, request)
    assert.equal(Buffer.concat(writer.chunks()).toString('hex'), frame.subarray(start).toString('hex'))
  })
}
