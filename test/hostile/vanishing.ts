// Clients of a machine of their own, which takes them with it: connected, with messages in hand, a will, a place in a
// group, a login begun, a message begun. Addresses as arguments: amqp mqtt kafka.
import { connect as connectTcp, type Socket } from 'node:net'
import { connect } from 'amqplib'
import { Kafka, logLevel } from 'kafkajs'
import { connectAsync } from 'mqtt'
import { vanishing } from './vanishing-names.ts'

const [amqpAddress, mqttAddress, kafkaAddress] = process.argv.slice(2)

const amqp = await connect(`amqp://${vanishing.user}:guest@${amqpAddress}?heartbeat=2`)
const channel = await amqp.createChannel()
await channel.prefetch(vanishing.inHand)
let got = 0
await channel.consume(vanishing.queue, () => {
  got++
})
// One that does not read what it is sent, and has not acknowledged anything.
const deaf = await connect(`amqp://${vanishing.user}:guest@${amqpAddress}?heartbeat=2`)
const deafChannel = await deaf.createChannel()
const { stream } = deaf.connection as unknown as { stream: Socket }
await deafChannel.consume(vanishing.large, () => void stream.pause())

await connectAsync(`mqtt://${mqttAddress}`, {
  protocolVersion: 5,
  keepalive: 2,
  reconnectPeriod: 0,
  will: { topic: vanishing.will, payload: Buffer.from('gone'), qos: 1, retain: false },
})

const consumer = new Kafka({ brokers: [kafkaAddress!], logLevel: logLevel.NOTHING }).consumer({
  groupId: vanishing.group,
  sessionTimeout: 6000,
  heartbeatInterval: 1000,
  maxWaitTimeInMs: 200,
})
await consumer.connect()
await consumer.subscribe({ topic: vanishing.topic, fromBeginning: true })
const joined = new Promise<void>((resolve) => {
  consumer.on('consumer.group_join', () => resolve())
})
await consumer.run({ autoCommit: false, eachMessage: () => Promise.resolve() })
await joined

const begun = [
  { address: amqpAddress!, bytes: Buffer.from('AMQP') },
  { address: mqttAddress!, bytes: Buffer.from([0x10, 0x80]) },
  { address: kafkaAddress!, bytes: Buffer.from([0, 0, 1, 0, 0]) },
]
for (const { address, bytes } of begun) {
  const [host, port] = address.split(':')
  for (let i = 0; i < vanishing.begun; i++) connectTcp(Number(port), host).write(bytes)
}

while (got < vanishing.inHand) await new Promise((resolve) => setTimeout(resolve, 20))
await new Promise((resolve) => setTimeout(resolve, 500))
console.log('ready')
