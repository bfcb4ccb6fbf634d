import { amqpWorkloads } from './amqp.ts'
import { generalWorkloads } from './general.ts'
import { growthWorkloads } from './growth.ts'
import { kafkaWorkloads } from './kafka.ts'
import { mqttWorkloads } from './mqtt.ts'
import type { Workload } from './workload.ts'

export const workloads: readonly Workload[] = [
  ...kafkaWorkloads,
  ...amqpWorkloads,
  ...mqttWorkloads,
  ...generalWorkloads,
  ...growthWorkloads,
]

export { goalSides, ours, oursOs, sidesOf } from './workload.ts'
export type { Field, Goal, Point, Sample, Side, Workload } from './workload.ts'
