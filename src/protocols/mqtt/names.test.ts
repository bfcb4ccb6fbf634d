import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { levelOfUtf8 } from '../../core/index.ts'
import { levelsOfTopic, logOfTopic, patternOf, TopicLevels, topicOf, topicOfLog } from './names.ts'
import { isTopicName } from './wire/index.ts'

const text = fc.string({
  unit: fc.constantFrom('a', '/', '%', '2', 'F', 'B', '$', 'é', '😀', '.', ' '),
  minLength: 1,
  maxLength: 16,
})

test('every topic comes back from its levels as it was (I16)', () => {
  const topics = new TopicLevels()
  fc.assert(
    fc.property(text, (topic) => {
      const levels = topics.of(topic)
      assert.deepEqual(levels, levelsOfTopic(topic))
      assert.equal(topicOf(levels)?.toString('utf8'), topic)
    }),
  )
})

test('every level of other protocols has a topic of its own, unless it is not UTF-8', () => {
  const level = fc.string({ unit: fc.constantFrom('a', '/', '+', '#', '\0', '%', '2', 'B', '3'), maxLength: 6 })
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 3 }), (levels) => {
      const topic = topicOf(levels)
      if (topic === undefined) return assert.deepEqual(levels, [''])
      const name = topic.toString('utf8')
      assert.ok(isTopicName(name) && !name.includes('\0'))
      assert.deepEqual(levelsOfTopic(name), levels)
    }),
  )
  assert.equal(topicOf(['\xff']), undefined)
  assert.equal(topicOf(['a'.repeat(70_000)]), undefined)
})

test('filters as patterns', () => {
  const { levels, dollarHidden } = patternOf('a/+//é/#')
  assert.deepEqual(levels, ['a', { any: 'one' }, '', levelOfUtf8('é'), { any: 'rest' }])
  assert.equal(dollarHidden, true)
})

test('a topic that names a log', () => {
  assert.deepEqual(logOfTopic('$log/jobs.eu'), ['jobs', 'eu'])
  assert.equal(logOfTopic('$logs/jobs'), undefined)
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 3 }), (name) => {
      const levels = name.map(levelOfUtf8)
      assert.deepEqual(logOfTopic(topicOfLog(levels)), levels)
    }),
  )
})
