import mqttPacket, { type Packet } from 'mqtt-packet'
import type { SimRandom } from '../../../src/world/sim/random.ts'
import { Violation } from '../audit/index.ts'
import { ports } from '../machine/machine.ts'
import { Client } from './client.ts'
import type { Scene } from './scene.ts'

const version = { protocolVersion: 4 } as const

/** An MQTT 3.1.1 client whose session lasts. */
export abstract class MqttClient extends Client {
  private parser = mqttPacket.parser(version)
  private answers: Packet[] = []
  /** Its session is known to be durable. */
  private lasting = false

  constructor(scene: Scene, name: string, random: SimRandom) {
    super(scene, name, ports.mqtt, random)
  }

  protected reset(): void {
    this.answers = []
    this.parser = mqttPacket.parser(version)
    this.parser.on('packet', (packet) => {
      if (!this.handle(packet)) this.answers.push(packet)
    })
    this.parser.on('error', (error: Error) => {
      throw new Violation(`${this.name}: ${error.message}`)
    })
  }

  /** True: it is no answer that somebody waits for. */
  protected abstract handle(packet: Packet): boolean

  protected receive(chunk: Buffer): void {
    this.parser.parse(chunk)
  }

  protected say(packet: Packet): void {
    this.send(mqttPacket.generate(packet, version))
  }

  protected async answer<C extends Packet['cmd']>(cmd: C): Promise<Extract<Packet, { cmd: C }>> {
    const packet = await this.wait(() => this.answers.shift())
    if (packet.cmd !== cmd) throw new Violation(`${this.name}: ${packet.cmd} instead of ${cmd}`)
    return packet as Extract<Packet, { cmd: C }>
  }

  protected async hello(): Promise<boolean> {
    this.say({ cmd: 'connect', protocolId: 'MQTT', ...version, clean: false, clientId: this.name, keepalive: 0 })
    const { returnCode, sessionPresent } = await this.answer('connack')
    if (returnCode !== 0) return false
    if (this.lasting && !sessionPresent) throw new Violation(`${this.name}: the session is lost`)
    this.lasting = true
    return true
  }
}
