import type { Case } from '../case.ts'
import { backlogCases } from './backlog.ts'
import { connectionCases } from './connections.ts'
import { largeCases } from './large.ts'
import { manyCases } from './many.ts'
import { slowAckerCases } from './slow-acker.ts'
import { slowConsumerCases } from './slow-consumers.ts'
import { slowDiskCases } from './slow-disk.ts'

/** One of each kind for the default run; its kin differ by protocol only. */
const shortNames = new Set([
  'never-read-amqp',
  'never-read-mqtt',
  'never-read-kafka',
  'never-ack-amqp',
  'slow-disk-kafka',
  'many-queues',
  'deep-queue',
  'large-refused-mqtt',
  'large-taken-amqp',
  'connections',
  'slow-acker',
])

export const isShort = ({ name }: Case): boolean => shortNames.has(name)

export const cases: readonly Case[] = [
  ...slowConsumerCases,
  ...slowDiskCases,
  ...manyCases,
  ...backlogCases,
  ...largeCases,
  ...connectionCases,
  ...slowAckerCases,
]
