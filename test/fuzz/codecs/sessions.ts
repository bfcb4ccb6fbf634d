import type { SimRandom } from '../../../src/world/sim/random.ts'
import { captured, cutBy } from '../captures.ts'
import type { Codec } from '../codec.ts'
import { inputBytesMax, mutate, pick } from '../mutate.ts'
import { SessionWorld, type Speaking } from '../session-world.ts'

/** Where the messages of a stream end, and how one is made with its length. */
interface Framing {
  /** What stands before the first message. */
  openingBytes: number
  lengthAt(stream: Buffer, at: number): number
  /** Gives a message whose inside was changed its right length. */
  sized(message: Buffer): Buffer
  /** Bytes in front of what is changed. */
  headBytes: number
}

/** Of MQTT: the remaining length, and of how many bytes it is. */
function remainingAt(stream: Buffer, at: number): { bytes: number; size: number } {
  let bytes = 0
  for (let size = 1; size <= 4; size++) {
    const byte = stream[at + size] ?? 0
    bytes += (byte & 127) * 128 ** (size - 1)
    if (byte < 128) return { bytes, size }
  }
  return { bytes, size: 4 }
}

function mqttSized(message: Buffer): Buffer {
  const { size } = remainingAt(message, 0)
  const body = message.subarray(1 + size)
  const head = [message[0] ?? 0]
  let rest = body.length
  do {
    head.push((rest & 127) | (rest > 127 ? 128 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.from(head), body])
}

function kafkaSized(message: Buffer): Buffer {
  if (message.length < 4) return message
  message.writeInt32BE(message.length - 4)
  return message
}

const amqpFrameEnd = 0xce

function amqpSized(message: Buffer): Buffer {
  if (message.length < 8) return message
  message.writeUInt32BE(message.length - 8, 3)
  message[message.length - 1] = amqpFrameEnd
  return message
}

const framings: Record<Speaking, Framing> = {
  kafka: {
    ...{ openingBytes: 0, headBytes: 8, sized: kafkaSized },
    lengthAt: (stream, at) => (at + 4 <= stream.length ? 4 + stream.readInt32BE(at) : 0),
  },
  amqp: {
    ...{ openingBytes: 8, headBytes: 7, sized: amqpSized },
    lengthAt: (stream, at) => (at + 7 <= stream.length ? 8 + stream.readUInt32BE(at + 3) : 0),
  },
  mqtt: {
    ...{ openingBytes: 0, headBytes: 2, sized: mqttSized },
    lengthAt(stream, at) {
      const { bytes, size } = remainingAt(stream, at)
      return 1 + size + bytes
    },
  },
}

/** Messages left out, said again, exchanged, changed inside; the first ones seldom, for they are the login. */
function changedMessages(
  random: SimRandom,
  all: readonly Buffer[],
  others: readonly Buffer[],
  framing: Framing,
): Buffer[] {
  const messages = [...all]
  for (let i = 1 + random.below(6); i > 0; i--) {
    const at = random.once(8)
      ? random.below(messages.length)
      : messages.length - 1 - random.below(Math.ceil(messages.length * 0.8))
    const message = messages[at] ?? pick(random, others)
    const { headBytes, sized } = framing
    const kind = random.below(8)
    if (kind === 0 && messages.length > 1) messages.splice(at, 1)
    else if (kind === 1) messages.splice(at, 0, pick(random, others))
    else if (kind === 2) messages.splice(at, 1, pick(random, others))
    else {
      const inside = mutate(random, message.subarray(headBytes), pick(random, others).subarray(headBytes))
      const changed = Buffer.concat([message.subarray(0, headBytes), inside])
      messages.splice(at, kind === 3 ? 0 : 1, random.once(10) ? changed : sized(changed))
    }
  }
  return messages
}

/** One client's bytes to a session over the server and the core, in chunks; then it ends, is cut, or waits and is cut. */
function session(protocol: Speaking): Codec {
  const framing = framings[protocol]
  const clients = captured(protocol).map(({ client }) => client.subarray(0, inputBytesMax))
  const openings = clients.map((client) => client.subarray(0, framing.openingBytes))
  const conversations = clients.map((client) => cutBy(client.subarray(framing.openingBytes), framing.lengthAt))
  const all = conversations.flat()
  return {
    name: `${protocol}-session`,
    seeds: clients,
    // A world of its own for each input.
    memory: { free: Infinity, perByte: 0 },
    oneOf: 80,
    changed(random) {
      const at = random.below(clients.length)
      return Buffer.concat([openings[at]!, ...changedMessages(random, conversations[at]!, all, framing)])
    },
    async take(input, random) {
      const world = await SessionWorld.open(random)
      const { socket, heard } = world.connect(protocol)
      socket.send(input)
      await world.time.advance(random.once(4) ? 1 + random.below(50) : 1500)
      if (random.once(2)) socket.end()
      else if (random.once(8)) await world.time.advance(200_000)
      else socket.kill()
      await world.time.advance(3000)
      socket.kill()
      await world.time.advance(100)
      await world.assertWell(protocol)
      await world.close()
      return heard.length > 0
    },
  }
}

export const sessionCodecs: readonly Codec[] = [session('kafka'), session('amqp'), session('mqtt')]
