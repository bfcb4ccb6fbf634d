import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { Sequence } from '../sequence.ts'
import { sleep, type Counts, type Load, type Ports } from './load.ts'

const windowMax = 50
const perTick = 3
const tickMs = 10

/**
 * PUBCOMP "Packet Identifier not found": the broker had released the message, and died before it said so. The
 * specification calls that no error during recovery (MQTT 5, 3.7.2.1); MQTT.js passes it on as one.
 */
const released = (error: Error): boolean => (error as { code?: number }).code === 0x92

/**
 * A publisher and a subscriber, both with sessions that last and stores that outlive each connection, as MQTT.js has
 * them: with QoS 2 each number comes exactly once, however often the broker dies between the four packets.
 */
export class MqttLoad implements Load {
  readonly name: string
  private readonly qos: 1 | 2
  private readonly seen: Sequence
  private inFlight = 0
  private next = 0
  private stopping = false
  private timer: NodeJS.Timeout | undefined
  private readonly clients: MqttClient[] = []

  constructor(qos: 1 | 2) {
    this.qos = qos
    this.name = `MQTT, QoS ${qos}`
    this.seen = new Sequence({ name: this.name, again: qos === 1 })
  }

  async start(ports: Ports, fail: (error: Error) => void): Promise<void> {
    const topic = `kill/${this.qos}`
    const options = (clientId: string): IClientOptions => ({
      clientId,
      clean: false,
      // 3.1.1 for one and 5 for the other: a session that lasts is asked for differently.
      protocolVersion: this.qos === 1 ? 4 : 5,
      ...(this.qos === 1 ? {} : { properties: { sessionExpiryInterval: 3600 } }),
      reconnectPeriod: 50,
      connectTimeout: 10_000,
      keepalive: 5,
    })
    const url = `mqtt://127.0.0.1:${ports.mqtt}`
    const subscriber = connect(url, options(`kill-in-${this.qos}`))
    const publisher = connect(url, options(`kill-out-${this.qos}`))
    this.clients.push(subscriber, publisher)
    for (const client of this.clients) client.on('error', () => undefined)
    subscriber.on('message', (_topic, body) => {
      try {
        this.seen.see(Number(body.toString().split(' ', 1)))
      } catch (error) {
        fail(error as Error)
      }
    })
    // MQTT.js sends its store again before it says `connect`; what is published meanwhile is refused when that breaks off.
    let connected = false
    publisher.on('connect', () => (connected = true))
    publisher.on('close', () => (connected = false))
    const [granted] = await subscriber.subscribeAsync(topic, { qos: this.qos })
    if (granted?.qos !== this.qos) throw new Error(`${this.name}: granted ${granted?.qos}`)
    this.timer = setInterval(() => {
      for (let i = 0; connected && i < perTick && this.inFlight < windowMax && !this.stopping; i++) {
        this.inFlight++
        publisher.publish(topic, `${this.next++} ${'x'.repeat(100)}`, { qos: this.qos }, (error) => {
          this.inFlight--
          if (error instanceof Error && !released(error)) fail(error)
        })
      }
    }, tickMs)
  }

  async stop(): Promise<void> {
    this.stopping = true
    while (this.inFlight > 0 || this.seen.next < this.next) await sleep(20)
  }

  counts(): Counts[] {
    const { next, duplicates } = this.seen
    return [{ acked: this.next - this.inFlight, seen: next, duplicates, confirmed: 0 }]
  }

  async close(): Promise<void> {
    clearInterval(this.timer)
    this.stopping = true
    await Promise.allSettled(this.clients.map((client) => client.endAsync(true)))
  }
}
