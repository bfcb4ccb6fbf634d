import { recordingsOfAmqp } from './amqp.ts'
import { recordingsInGo } from './go.ts'
import { recordingsOfKafka } from './kafka.ts'
import { recordingsOfMqtt } from './mqtt.ts'
import type { Recording } from './recording.ts'

export type { Recording } from './recording.ts'

export const recordings: readonly Recording[] = [
  ...recordingsOfKafka,
  ...recordingsOfAmqp,
  ...recordingsOfMqtt,
  ...recordingsInGo,
]
