import type { Client } from '../actors/client.ts'
import { pick, type Scene } from '../actors/scene.ts'
import { rot } from './rot.ts'
import type { SimRandom } from '../../../src/world/sim/random.ts'

const stepMs = 50
const hourMs = 3_600_000

/** What goes wrong around the broker while it lives: spells of disk errors, a full disk, jumps of the clock, clients. */
export class Weather {
  private readonly scene: Scene
  private readonly clients: readonly Client[]
  private readonly random: SimRandom

  constructor(scene: Scene, clients: readonly Client[]) {
    this.scene = scene
    this.clients = clients
    this.random = scene.machine.stream(5)
  }

  async blow(ms: number): Promise<void> {
    const { scene, random } = this
    for (let rest = ms; rest > 0; rest -= stepMs) {
      this.disk()
      await this.rot()
      this.clock()
      this.people()
      await scene.pass(stepMs)
      if (random.once(10)) this.clear()
    }
  }

  /** The disk is well again, and has space. */
  clear(): void {
    const { machine } = this.scene
    machine.faults.trouble = false
    machine.disk.capacityBytes = Infinity
    if (this.scene.calmSince === Infinity) this.scene.calmSince = this.scene.now
  }

  private disk(): void {
    const { machine } = this.scene
    const { plan } = machine.faults
    if (plan.errorOnceIn > 0 && this.random.once(5)) {
      machine.faults.trouble = true
      this.scene.calmSince = Infinity
    }
    if (plan.full && this.random.once(8)) {
      machine.disk.capacityBytes = machine.disk.usedBytes + this.random.below(40_000)
      machine.count('diskFull')
      this.scene.calmSince = Infinity
    }
  }

  private async rot(): Promise<void> {
    const { machine, auditor } = this.scene
    const { rotting } = machine.faults.plan
    if (rotting === 'nothing' || !this.random.once(3)) return
    const hit = await rot(machine.disk, this.random, rotting)
    if (hit === null) return
    machine.count('bitFlip')
    this.scene.trace.note('machine', `${hit.where}: ${hit.ids.join(' ')}`)
    auditor.rots(hit.ids)
  }

  private clock(): void {
    const { machine } = this.scene
    if (!machine.faults.plan.clockJumps || !this.random.once(8)) return
    machine.time.wallShiftMs += this.random.below(2 * hourMs) - hourMs
    machine.count('clockJump')
  }

  private people(): void {
    const { plan } = this.scene.machine.faults
    if (plan.clientsDie && this.random.once(6) && pick(this.random, this.clients).kill()) {
      this.scene.machine.count('clientKilled')
    }
    if (plan.clientsSlow && this.random.once(6) && pick(this.random, this.clients).doze(this.random.below(800))) {
      this.scene.machine.count('clientSlow')
    }
  }
}
