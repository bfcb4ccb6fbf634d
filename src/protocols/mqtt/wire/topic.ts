import { topicLevelsMax } from './constants.ts'

/** A filter as the broker uses it: `$share/<group>/<filter>` is taken apart (MQTT 5 section 4.8.2). */
export interface TopicFilter {
  /** The filter without its share prefix; levels by `/`, wildcards `+` and `#`. */
  filter: string
  group?: string
}

/** Topic names carry no wildcard and at least one character (MQTT-3.3.2-2, MQTT-4.7.3-1). */
export function isTopicName(topic: string): boolean {
  return topic.length > 0 && !topic.includes('+') && !topic.includes('#') && isShallow(topic)
}

function isShallow(text: string): boolean {
  if (text.length < topicLevelsMax) return true
  let levels = 1
  for (let at = text.indexOf('/'); at >= 0; at = text.indexOf('/', at + 1)) levels++
  return levels <= topicLevelsMax
}

/** Section 4.7.1: `+` fills a whole level, `#` fills the last one; at least one character. */
export function isTopicFilter(filter: string): boolean {
  if (filter.length === 0 || !isShallow(filter)) return false
  const last = filter.length - 1
  for (let i = 0; i <= last; i++) {
    const char = filter.charCodeAt(i)
    if (char !== PLUS && char !== HASH) continue
    if (i > 0 && filter.charCodeAt(i - 1) !== SLASH) return false
    if (char === HASH && i !== last) return false
    if (char === PLUS && i !== last && filter.charCodeAt(i + 1) !== SLASH) return false
  }
  return true
}

/** Takes a `$share` prefix off; undefined when the filter is not valid (SUBACK then says 0x8F for this filter). */
export function parseFilter(text: string): TopicFilter | undefined {
  if (!isTopicFilter(text)) return undefined
  if (!text.startsWith(SHARE)) return { filter: text }
  const slash = text.indexOf('/', SHARE.length)
  const group = text.slice(SHARE.length, slash < 0 ? undefined : slash)
  // MQTT-4.8.2-1 and -2: a name of at least one character without wildcards, then `/` and a filter
  if (slash < 0 || !isTopicName(group) || slash === text.length - 1) return undefined
  return { filter: text.slice(slash + 1), group }
}

const PLUS = 0x2b
const HASH = 0x23
const SLASH = 0x2f
const SHARE = '$share/'
