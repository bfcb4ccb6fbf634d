import type { Group, Values } from '../../server/index.ts'

const dayMs = 86_400_000

export const settings = {
  autoCreateTopics: { kind: 'flag', default: true, help: 'create a topic when a client asks for it or produces to it' },
  partitions: { kind: 'integer', default: 1, min: 1, max: 10_000, help: 'partitions of a topic that names no number' },
  messageBytesMax: {
    kind: 'bytes',
    default: 1_048_588,
    min: 1024,
    max: 128 * 1024 * 1024,
    help: 'the largest record batch, as sent (message.max.bytes)',
  },
  retentionMs: {
    kind: 'duration',
    default: 7 * dayMs,
    min: -1,
    max: Number.MAX_SAFE_INTEGER,
    help: 'how long the records of a new topic are kept; -1 = for ever',
  },
  groupInitialRebalanceDelayMs: {
    kind: 'duration',
    default: 0,
    min: 0,
    max: 60_000,
    help: 'how long the first member of a group waits for more of them',
  },
  groupSessionTimeoutMinMs: {
    kind: 'duration',
    default: 6000,
    min: 1,
    max: 600_000,
    help: 'the shortest session timeout that a group member may ask for',
  },
  groupSessionTimeoutMaxMs: {
    kind: 'duration',
    default: 1_800_000,
    min: 1000,
    max: dayMs,
    help: 'the longest session timeout that a group member may ask for',
  },
} as const satisfies Group

export type KafkaSettings = Values<typeof settings>
