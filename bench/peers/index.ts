import { dragoman } from './dragoman.ts'
import { kafka } from './kafka.ts'
import { mosquitto } from './mosquitto.ts'
import type { Peer } from './peer.ts'
import { rabbitmq } from './rabbitmq.ts'

export const peers: Readonly<Record<string, Peer>> = { dragoman, kafka, rabbitmq, mosquitto }

export type { Peer, Server, StartOptions, Variant } from './peer.ts'
