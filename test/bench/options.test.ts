import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOptions } from '../../bench/harness/options.ts'
import { peers } from '../../bench/peers/index.ts'
import { goalSides, sidesOf, workloads } from '../../bench/workloads/index.ts'

const names = (...args: string[]): string[] => readOptions(args).chosen.map(({ name }) => name)

test('workloads by whole name, by beginning, by peer', () => {
  assert.deepEqual(names('--workload', 'kafka-latency'), ['kafka-latency'])
  assert.deepEqual(names('--workload', 'kafka-100b-1p'), ['kafka-100b-1p'])
  assert.deepEqual(names('--workload', 'start'), ['start-kafka', 'start-amqp', 'start-mqtt'])
  assert.ok(names('--peer', 'mosquitto').every((name) => name.includes('mqtt')))
  assert.equal(names().length, workloads.length)
})

test('those that no goal is about may run less often', () => {
  assert.equal(readOptions(['--pairs', '7']).beside, 7)
  assert.equal(readOptions(['--beside', '1']).beside, 1)
  const kafka = workloads.find(({ name }) => name === 'kafka-100b-1p')!
  assert.deepEqual([...goalSides(kafka)], ['dragoman/fsync', 'kafka/shipped', 'kafka/flush'])
  const latency = workloads.find(({ name }) => name === 'amqp-latency')!
  assert.deepEqual([...goalSides(latency)], sidesOf(latency))
})

test('what is misspelt is refused', () => {
  assert.throws(() => readOptions(['--workload', 'kafak']), /no workload kafak/)
  assert.throws(() => readOptions(['--pairs', 'five']), /not a number/)
  assert.throws(() => readOptions(['--pear', 'kafka']), /pear/)
})

test('a small run leaves the results of whole ones alone', () => {
  assert.doesNotMatch(readOptions(['--quick']).resultsFolder, /bench\/results$/)
  assert.match(readOptions([]).resultsFolder, /bench\/results$/)
})

test('every workload names sides that there are, and goals against them; no two have one name', () => {
  for (const workload of workloads) {
    const sides = sidesOf(workload)
    for (const side of sides) {
      const [peer, variant] = side.split('/')
      assert.ok(peers[peer!]?.variants[variant!], side)
      assert.ok(peers[peer!]!.protocols.includes(workload.protocol), `${side} speaks ${workload.protocol}`)
    }
    for (const { against } of workload.points.flatMap(({ targets = [] }) => targets)) {
      assert.ok(against === undefined || sides.includes(against), `${workload.name}: ${against}`)
    }
    if (workload.axis !== undefined) assert.ok(workload.points.every(({ name }) => Number(name) > 0))
  }
  assert.equal(new Set(workloads.map(({ name }) => name)).size, workloads.length)
})
