import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTopicFilter, isTopicName, parseFilter } from './topic.ts'

test('MQTT-4.7.1: where wildcards may stand', () => {
  for (const filter of ['#', '+', '/', 'a/#', '+/+', '/+', '+/a/#', 'a//b', '$SYS/#', ' ', 'a/+/']) {
    assert.ok(isTopicFilter(filter), filter)
  }
  for (const filter of ['', 'a#', 'a/#/b', '#/', 'a+', '+a', 'a/b+', 'a/+b', '##', '++']) {
    assert.ok(!isTopicFilter(filter), filter)
  }
})

test('MQTT-3.3.2-2: a topic name has no wildcard', () => {
  for (const topic of ['a', '/', 'a b', '$x', 'é']) assert.ok(isTopicName(topic), topic)
  for (const topic of ['', 'a+', '#', 'a/+/b']) assert.ok(!isTopicName(topic), topic)
})

test('MQTT-4.8.2: the parts of a shared subscription', () => {
  assert.deepEqual(parseFilter('$share/g/a/+/b'), { group: 'g', filter: 'a/+/b' })
  assert.deepEqual(parseFilter('$share/g//a'), { group: 'g', filter: '/a' })
  assert.deepEqual(parseFilter('$share/g/#'), { group: 'g', filter: '#' })
  assert.deepEqual(parseFilter('$shared/g/a'), { filter: '$shared/g/a' })
  for (const filter of ['$share/g', '$share/g/', '$share//a', '$share/', '$share/+/a', '$share/#', 'a#']) {
    assert.equal(parseFilter(filter), undefined, filter)
  }
})

test('a name or filter of more levels than anybody needs is none', () => {
  assert.ok(isTopicName('a/'.repeat(127) + 'a'))
  assert.ok(!isTopicName('a/'.repeat(128) + 'a'))
  assert.ok(!isTopicFilter('/'.repeat(65_535)))
  assert.ok(isTopicName('a'.repeat(65_535)))
})
