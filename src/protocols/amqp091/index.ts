import type { Protocol } from '../../server/index.ts'
import { limits } from './limits.ts'
import { AmqpSession } from './session.ts'

/** RabbitMQ's protocol, AMQP 0-9-1 with its extensions. */
export const amqp091: Protocol = {
  name: 'amqp',
  listeners: [{ name: 'amqp', port: 5672, transport: 'tcp' }],
  settings: {
    product: {
      kind: 'text',
      default: 'RabbitMQ',
      help: 'the product that clients are told: some choose features by it',
    },
    version: { kind: 'text', default: '3.13.7', help: 'the version that clients are told, in the product above' },
    user: { kind: 'text', default: 'guest', help: 'the user that may log in; guest only from this machine' },
    password: { kind: 'text', default: 'guest', help: 'the password of the user' },
    messageBytesMax: {
      kind: 'bytes',
      default: limits.bodyBytesMax,
      min: 1,
      max: limits.bodyBytesMax,
      help: 'the largest message body (max_message_size); RabbitMQ 4 has 16 MiB',
    },
  },
  open: (peer, context) => new AmqpSession(peer, context),
}
