import type { Codec } from '../codec.ts'
import { adminCodecs } from './admin.ts'
import { amqpCodecs } from './amqp.ts'
import { checkpoint } from './checkpoint.ts'
import { configurationCodecs } from './configuration.ts'
import { coreCodecs } from './core.ts'
import { recordCodecs } from './kafka-records.ts'
import { kafkaCodecs } from './kafka.ts'
import { logCodecs } from './log.ts'
import { mqttCodecs } from './mqtt.ts'
import { sessionCodecs } from './sessions.ts'

/** Everything that takes bytes from outside: the network, the disk, files and arguments. */
export const codecs: readonly Codec[] = [
  ...kafkaCodecs,
  ...recordCodecs,
  ...amqpCodecs,
  ...mqttCodecs,
  ...sessionCodecs,
  ...adminCodecs,
  ...logCodecs,
  checkpoint,
  ...coreCodecs,
  ...configurationCodecs,
]
