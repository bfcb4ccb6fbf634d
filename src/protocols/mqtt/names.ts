import { isUtf8 } from 'node:buffer'
import { levelBytes, levelOfUtf8, nameCodec, plainNames } from '../../core/index.ts'
import type { Levels, Pattern, PatternLevel } from '../../core/index.ts'
import { textBytesMax } from './wire/index.ts'

/** Topics: `/` separates; what a topic name cannot hold (wildcards, U+0000) is `%HH`. */
const topicNames = nameCodec({
  separator: '/',
  allowed: (char) => char !== '+' && char !== '#' && char !== '\0',
  escape: '%',
})

/** A topic that names a log instead of an address; what follows is its name with `.` between levels. */
const logPrefix = '$log/'

const cacheMax = 4096
const cachedTopicMax = 256

/** Topics to levels, remembered: a fleet of devices publishes to few topics at a time. */
export class TopicLevels {
  private readonly cache = new Map<string, Levels>()

  of(topic: string): Levels {
    const known = this.cache.get(topic)
    if (known !== undefined) return known
    if (topic.length > cachedTopicMax) return levelsOfTopic(topic)
    if (this.cache.size >= cacheMax) this.cache.clear()
    const levels = levelsOfTopic(topic)
    this.cache.set(topic, levels)
    return levels
  }
}

/** The log that a topic `$log/NAME` stands for: how an MQTT client answers a request that names a queue. */
export function logOfTopic(topic: string): Levels | undefined {
  return topic.startsWith(logPrefix) ? plainNames.decode(levelOfUtf8(topic.slice(logPrefix.length))) : undefined
}

export function topicOfLog(name: Levels): string {
  return logPrefix + levelBytes(plainNames.encode(name)).toString('utf8')
}

/** The topic of an address, as bytes; undefined where MQTT cannot say it: not UTF-8, empty, or too long. */
export function topicOf(levels: Levels): Buffer | undefined {
  const bytes = levelBytes(topicNames.encode(levels))
  return bytes.length > 0 && bytes.length <= textBytesMax && isUtf8(bytes) ? bytes : undefined
}

export function levelsOfTopic(topic: string): Levels {
  return topicNames.decode(levelOfUtf8(topic))
}

/**
 * A valid filter as a pattern (MQTT 5 section 4.7): `+` is one level, `#` any number of them, none included, and
 * neither matches a first level that begins with `$` (MQTT-4.7.2-1).
 */
export function patternOf(filter: string): Pattern {
  const levels = filter.split('/').map((text): PatternLevel => {
    if (text === '+') return { any: 'one' }
    if (text === '#') return { any: 'rest' }
    return topicNames.decode(levelOfUtf8(text))[0]!
  })
  return { levels, dollarHidden: true }
}
