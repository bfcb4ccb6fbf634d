/** What the load tools print, as recorded from real runs, and what the benchmark reads in it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseConsume, parseEndToEnd, parseProduce } from '../../bench/tools/kafka.ts'
import { parseStamps } from '../../bench/tools/mosquitto-clients.ts'
import { parseBench } from '../../bench/tools/mqttwrk.ts'
import { parsePerfTest } from '../../bench/tools/perf-test.ts'
import * as rdkafka from '../../bench/tools/rdkafka.ts'
import { ToolError } from '../../bench/tools/load.ts'

const recorded = (name: string): string => readFileSync(new URL(`./recorded/${name}.txt`, import.meta.url), 'utf8')

test('kafka-producer-perf-test: the figures after its warm-up', () => {
  const load = parseProduce(recorded('kafka-producer-perf-test'))
  assert.deepEqual(load, { messages: 600_000, perSecond: 88_043.66966, p50Ms: 1536, p99Ms: 2309 })
})

test('kafka-consumer-perf-test: the rate without the time that joining the group took', () => {
  assert.deepEqual(parseConsume(recorded('kafka-consumer-perf-test')), {
    messages: 3_000_000,
    perSecond: 1_986_754.9669,
  })
})

test('kafka-e2e-latency', () => {
  const { perSecond, ...load } = parseEndToEnd(recorded('kafka-e2e-latency'), 3000)
  assert.deepEqual(load, { messages: 3000, p50Ms: 1, p99Ms: 9 })
  assert.equal(Math.round(perSecond!), 545)
})

test('rdkafka_performance: its last line, and none of its failures is overlooked', () => {
  const produced = recorded('rdkafka-producer')
  assert.deepEqual(rdkafka.parseProduce(produced), { messages: 500_000, perSecond: 268_263 })
  assert.throws(() => rdkafka.parseProduce(produced.replaceAll(', 0 failed', ', 7 failed')), /7 messages failed/)
  assert.deepEqual(rdkafka.parseConsume(recorded('rdkafka-consumer')), { messages: 500_000, perSecond: 2_655_252 })
})

test('rdkafka_performance: latencies without the first fifth', () => {
  const lines = [9_000_000, ...Array.from({ length: 9 }, (_, index) => 1000 * (index + 1))]
  assert.deepEqual(rdkafka.parseLatencies(`${lines.join('\n')}\n`), { p50Ms: 6, p99Ms: 9 })
})

test('PerfTest: the rate of the last two thirds without what comes after the time, and that it ended well', () => {
  const said = recorded('perf-test')
  const received = { messages: 146_600, perSecond: 30_000, p50Ms: 13.078, p99Ms: 31.583 }
  assert.deepEqual(parsePerfTest(said, 'received', 6), received)
  const closing = said.replace(
    'test stopped',
    'id: test-1, time 7.001 s, sent: 0 msg/s, received: 900 msg/s, x\ntest stopped',
  )
  assert.deepEqual(parsePerfTest(closing, 'received', 6), received)
  assert.equal(parsePerfTest(said, 'received').perSecond, 24_433)
  assert.equal(parsePerfTest(said, 'sent').p99Ms, 45.88)
  const broken = said.replace('test stopped (Reached time limit)', 'test stopped')
  assert.throws(() => parsePerfTest(broken, 'received'), ToolError)
})

test('mqttwrk: deliveries when it subscribes, else what was published', () => {
  const said = recorded('mqttwrk')
  assert.deepEqual(parseBench(said, true), { messages: 600_000, perSecond: 270_758.13 })
  assert.deepEqual(parseBench(said, false), { messages: 300_000, perSecond: 279_329.6 })
})

test('mosquitto_sub: from the time in a line to the time that it came', () => {
  const { p50Ms, p99Ms } = parseStamps(recorded('mosquitto-sub'), 5)
  assert.equal(p50Ms.toFixed(2), '0.60')
  assert.equal(p99Ms.toFixed(2), '5.00')
  assert.throws(() => parseStamps(recorded('mosquitto-sub'), 6), /5 of 6/)
})

test('a tool that says something else has failed', () => {
  for (const parse of [parseProduce, rdkafka.parseProduce, rdkafka.parseConsume]) {
    assert.throws(() => parse('Exception in thread "main"'), ToolError)
  }
  assert.throws(() => parseBench('', true), ToolError)
})
