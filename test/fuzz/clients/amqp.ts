import amqp, { type Channel, type ChannelModel, type ConfirmChannel } from 'amqplib'
import { pause, type Endpoint, type Recording } from './recording.ts'

const headers = {
  text: 'é漢',
  yes: true,
  small: 7,
  large: 2 ** 40,
  float: 1.5,
  nothing: null,
  list: [1, 'two', { three: 3 }],
  bytes: Buffer.from([0, 255]),
  when: { '!': 'timestamp', value: 1_700_000_000 },
}
const everyProperty = {
  ...{ contentType: 'application/json', contentEncoding: 'gzip', headers, persistent: true, priority: 5 },
  ...{ correlationId: 'c1', replyTo: 'answers', expiration: '60000', messageId: 'm1', timestamp: 1_700_000_000 },
  ...{ type: 'order', userId: 'guest', appId: 'capture' },
}

async function topology(channel: Channel): Promise<void> {
  for (const type of ['direct', 'fanout', 'topic', 'headers']) await channel.assertExchange(`x.${type}`, type)
  await channel.assertExchange('x.other', 'fanout', { autoDelete: true, durable: false, alternateExchange: 'x.fanout' })
  await channel.bindExchange('x.fanout', 'x.topic', 'a.*')
  await channel.unbindExchange('x.fanout', 'x.topic', 'a.*')
  await channel.assertQueue('dead')
  await channel.assertQueue('work', {
    ...{ durable: true, messageTtl: 60_000, maxLength: 100, maxPriority: 9, deadLetterExchange: '' },
    deadLetterRoutingKey: 'dead',
    arguments: { 'x-overflow': 'reject-publish' },
  })
  await channel.bindQueue('work', 'x.topic', 'orders.#')
  await channel.bindQueue('work', 'x.headers', '', { 'x-match': 'all', text: 'a' })
  await channel.unbindQueue('work', 'x.headers', '', { 'x-match': 'all', text: 'a' })
  await channel.assertQueue('', { exclusive: true, autoDelete: true, expires: 60_000 })
  await channel.checkExchange('x.topic')
  await channel.checkQueue('work')
}

async function publish(channel: ConfirmChannel): Promise<void> {
  channel.on('return', () => undefined)
  channel.publish('x.topic', 'orders.eu', Buffer.from('{"id":1}'), everyProperty)
  channel.publish('x.topic', 'nowhere', Buffer.from('back'), { mandatory: true })
  channel.sendToQueue('work', Buffer.alloc(0))
  channel.sendToQueue('work', Buffer.alloc(5000, 'body '), { persistent: false, CC: ['dead'] })
  for (let n = 0; n < 6; n++) channel.sendToQueue('work', Buffer.from(`message ${n}`), { priority: n })
  await channel.waitForConfirms()
}

async function consume(channel: Channel): Promise<void> {
  const first = await channel.get('work')
  if (first !== false) channel.ack(first)
  await channel.get('dead', { noAck: true })
  await channel.prefetch(3)
  let seen = 0
  const { consumerTag } = await channel.consume(
    'work',
    (message) => {
      if (message === null) return
      seen++
      if (seen === 1) channel.nack(message, false, true)
      else if (seen === 2) channel.reject(message, false)
      else channel.ack(message, seen === 4)
    },
    { priority: 2 },
  )
  while (seen < 8) await pause(20)
  await channel.cancel(consumerTag)
  await channel.recover()
  await channel.purgeQueue('work')
}

async function afterError(connection: ChannelModel): Promise<void> {
  const channel = await connection.createChannel()
  channel.on('error', () => undefined)
  await channel.checkQueue('is not there').catch(() => undefined)
}

async function amqplib({ host, port }: Endpoint): Promise<void> {
  const connection = await amqp.connect(`amqp://guest:guest@${host}:${port}?heartbeat=1&frameMax=4096`)
  const channel = await connection.createConfirmChannel()
  await topology(channel)
  await publish(channel)
  const other = await connection.createChannel()
  await consume(other)
  await afterError(connection)
  // A heartbeat or two.
  await pause(1200)
  await other.close()
  await channel.deleteQueue('work', { ifEmpty: true })
  await channel.deleteExchange('x.headers', { ifUnused: true })
  await connection.close()
}

export const recordingsOfAmqp: readonly Recording[] = [
  { name: 'amqp-amqplib', protocol: 'amqp', client: 'amqplib 2.3.1', drive: amqplib },
]
